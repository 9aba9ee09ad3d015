#include "hemp/regularizer.h"

#include "core/ops/add.h"
#include "core/ops/clamp.h"
#include "core/ops/compare.h"
#include "core/ops/divide.h"
#include "core/ops/exp.h"
#include "core/ops/multiply.h"
#include "core/ops/negate.h"
#include "core/ops/reduce.h"
#include "core/ops/slice.h"
#include "core/ops/subtract.h"
#include "core/substitute.h"
#include "hemp/prune.h"
#include "hemp/quantize.h"
#include "hemp/quantized.h"
#include "hemp/weight_coder.h"

#include <algorithm>
#include <cmath>

namespace hemp {
namespace {

Quantizer fitted(std::span<const float> weights, const RegularizerOptions& options) {
    switch (options.rule) {
        case LevelRule::mid_tread: return uniform_mid_tread(weights, options.levels, {options.deviations});
        case LevelRule::mid_rise: return uniform_mid_rise(weights, options.levels, {options.deviations});
        case LevelRule::lloyd_max: return lloyd_max(weights, options.levels);
        case LevelRule::lloyd_max_gaussian: return lloyd_max_gaussian(weights, options.levels);
        case LevelRule::ternary: return ternary(weights);
        case LevelRule::power_of_two: return power_of_two(weights, options.levels);
    }
    fail("regularizer: unknown rule for levels");
}

}  // namespace

Regularizer::Regularizer(const Tensors& weights, const RegularizerOptions& options) : options_(options) {
    int64_t least = options.target == Target::coder ? options.levels : 10 * options.levels;
    for (const Tensor& w : weights) {
        if (w.shape().size() < least) {
            continue;
        }
        // levels = step * grid: the step can be learned as one number, the grid is fitted.
        const std::string& name = w.node().name;
        weights_.push_back(w);
        grids_.push_back(
            variable(name + ".grid", Array(Type{{options.rule == LevelRule::ternary ? 3 : options.levels}})));
        steps_.push_back(variable(name + ".step", Array(Shape{}, std::vector<float>{1})));
        levels_.push_back(steps_.back() * grids_.back());
        slopes_.push_back(variable(name + ".slope", Array(w.type())));
    }
    expect(!weights_.empty(), "regularizer: no tensor has as many as {} weights", least);
    fit();
    per_weight_ = options.entropy.conditional ? 1.0f : 1.0f / static_cast<float>(options.entropy.order);
    bits_       = entropy(weights_, levels_, options.entropy) * per_weight_;
}

void Regularizer::fit() {
    for (size_t i = 0; i < weights_.size(); ++i) {
        std::vector<float> levels = fitted(value_of(weights_[i]).values<float>(), options_).levels;
        if (options_.zero) {
            *std::ranges::min_element(levels, {}, [](float level) { return std::abs(level); }) = 0;
        }
        float step = std::max(std::abs(levels.front()), std::abs(levels.back()));
        bool  even = options_.rule == LevelRule::mid_tread;
        if (even) {
            step /= static_cast<float>(options_.levels / 2);
        }
        value_of(steps_[i]).values<float>()[0] = step;
        for (size_t k = 0; k < levels.size(); ++k) {  // even ones at whole steps: the file then needs the step alone
            float place                            = levels[k] / step;
            value_of(grids_[i]).values<float>()[k] = even ? std::round(place) : place;
        }
    }
}

std::vector<float> Regularizer::level_values(size_t i) const {
    std::vector<float> levels;
    for (float place : value_of(grids_[i]).values<float>()) {
        levels.push_back(place * value_of(steps_[i]).values<float>()[0]);
    }
    return levels;
}

Tensor Regularizer::hard_entropy() const {
    Tensors nearest_levels;
    for (size_t i = 0; i < weights_.size(); ++i) {
        nearest_levels.push_back(quantize(weights_[i], levels_[i]));
    }
    return entropy(nearest_levels, levels_, options_.entropy);
}

Updates Regularizer::refresh() const {
    Updates updates;
    for (size_t i = 0; const Gradient& each : grad(bits_, weights_)) {
        updates.push_back({slopes_[i++], each.gradient});
    }
    return updates;
}

double Regularizer::price(const std::vector<Standing>& standing) {
    int64_t count = 0;
    for (const Tensor& w : weights_) {
        count += w.shape().size();
    }
    WeightPrices prices;
    double       bits = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
        std::span<const float> w      = value_of(weights_[i]).values<float>();
        std::vector<float>     levels = level_values(i);
        std::vector<uint8_t>   index  = symbols(w, levels);
        int32_t                origin = zero_symbol(levels);
        std::vector<int32_t>   symbol(w.size()), lower(w.size());
        for (size_t k = 0; k < w.size(); ++k) {
            symbol[k] = index[k] - origin;
            lower[k]  = w[k] < levels[index[k]] || index[k] + 1u == levels.size() ? symbol[k] - 1 : symbol[k];
        }
        std::span<float>     slopes = value_of(slopes_[i]).values<float>();
        const Shape&         shape  = weights_[i].shape();
        const Standing       placed = standing.empty() ? Standing() : standing[i];
        std::vector<int32_t> below  = lower;
        rearrange(std::span(symbol), shape, placed);
        rearrange(std::span(below), shape, placed);
        bits += prices.add(shape, symbol, below, slopes);
        rearrange(slopes, shape, reverse(placed));
        for (size_t k = 0; k < w.size(); ++k) {
            auto  at = static_cast<size_t>(std::clamp(lower[k] + origin, 0, static_cast<int32_t>(levels.size()) - 2));
            bool  inside = w[k] >= levels.front() && w[k] < levels.back();
            float step   = (levels[at + 1] - levels[at]) * static_cast<float>(count);
            slopes[k]    = inside ? (w[k] < 0 ? -slopes[k] : slopes[k]) / step : 0;
        }
    }
    return bits / static_cast<double>(count);
}

Tensors Regularizer::quantized(const Tensors& tensors) const {
    std::map<Tensor, Tensor> exchange;
    for (size_t i = 0; i < weights_.size(); ++i) {
        exchange[weights_[i]] = quantize(weights_[i], levels_[i]);
    }
    return substitute(tensors, exchange);
}

Tensor Regularizer::slope(size_t i) const {
    if (options_.target == Target::entropy) {
        return slopes_[i];
    }
    return slopes_[i] * (greater(weights_[i], constant(0.0f)) - less(weights_[i], constant(0.0f)));
}

Gradients Regularizer::penalized(const Gradients& gradients, const Tensor& coefficient) const {
    Gradients result = gradients;
    for (Gradient& each : result) {
        for (size_t i = 0; i < weights_.size(); ++i) {
            if (each.variable == weights_[i]) {
                each.gradient = each.gradient + coefficient * slope(i);
            } else if (each.variable == steps_[i]) {
                // Levels and weights grown by the same factor change nothing, so: minus what the weights' growth does.
                each.gradient = each.gradient - coefficient * sum(slope(i) * weights_[i]) / steps_[i];
            }
        }
    }
    return result;
}

Updates Regularizer::pulled(const Updates& updates, const Gradients& gradients, const Pull& pull) const {
    Updates result = updates;
    for (Update& update : result) {
        auto found = std::find(weights_.begin(), weights_.end(), update.variable);
        if (found == weights_.end()) {
            continue;
        }
        size_t i        = static_cast<size_t>(found - weights_.begin());
        auto   gradient = std::find_if(gradients.begin(), gradients.end(),
                                       [&](const Gradient& g) { return g.variable == update.variable; });
        Tensor w        = update.value;
        Tensor moved    = w - insensitivity(gradient->gradient) *
                               (pull.entropy * slopes_[i] + pull.level * (w - quantize(w, levels_[i])));
        int64_t last   = levels_[i].shape()[0] - 1;
        Tensor  lowest = sum(slice(levels_[i], 0, 0, 1)), highest = sum(slice(levels_[i], 0, last, 1));
        Tensor  half = (highest - lowest) * (0.5f / static_cast<float>(last));
        update.value = clamp(moved, lowest - half, highest + half);
    }
    return result;
}

}  // namespace hemp
