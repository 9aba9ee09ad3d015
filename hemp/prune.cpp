#include "hemp/prune.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hemp {

Array magnitude_mask(const Array& weights, double sparsity) {
    if (!(sparsity >= 0 && sparsity <= 1)) {
        fail<UsageError>("magnitude_mask: a sparsity of {} was asked for; give the share to prune, 0 to 1", sparsity);
    }
    auto w   = weights.values<float>();
    auto nan = std::find_if(w.begin(), w.end(), [](float value) { return std::isnan(value); });
    if (nan != w.end()) {
        fail("magnitude_mask: weight {} is NaN; look for what broke it in training", nan - w.begin());
    }
    std::vector<size_t> order(w.size());
    std::iota(order.begin(), order.end(), size_t{0});
    auto pruned = order.begin() + static_cast<std::ptrdiff_t>(sparsity * static_cast<double>(w.size()));
    std::nth_element(order.begin(), pruned, order.end(), [&](size_t a, size_t b) {
        return std::abs(w[a]) != std::abs(w[b]) ? std::abs(w[a]) < std::abs(w[b]) : a < b;
    });
    Array mask(weights.type());
    auto  kept = mask.values<float>();
    std::fill(kept.begin(), kept.end(), 1.0f);
    std::for_each(order.begin(), pruned, [&](size_t i) { kept[i] = 0; });
    return mask;
}

Array threshold_mask(const Array& weights, float threshold) {
    Array mask(weights.type());
    auto  w = weights.values<float>();
    std::transform(w.begin(), w.end(), mask.values<float>().begin(),
                   [&](float value) { return std::abs(value) >= threshold ? 1.0f : 0.0f; });
    return mask;
}

Array insensitivity(const Array& gradients) {
    auto  g       = gradients.values<float>();
    float largest = 0;
    for (float value : g) {
        largest = std::max(largest, std::abs(value));
    }
    Array result(gradients.type());
    std::transform(g.begin(), g.end(), result.values<float>().begin(),
                   [&](float value) { return largest > 0 ? 1 - std::abs(value) / largest : 1.0f; });
    return result;
}

void decay_insensitive(Array& weights, const Array& gradients, float rate) {
    expect(weights.type() == gradients.type(),
           "decay_insensitive: weights are {} and gradients {}, which must be equal", weights.type(), gradients.type());
    Array weight_of_decay = insensitivity(gradients);
    auto  w               = weights.values<float>();
    auto  s               = weight_of_decay.values<float>();
    for (size_t i = 0; i < w.size(); ++i) {
        w[i] -= rate * s[i] * w[i];
    }
}

float tolerated_threshold(const std::function<double(float threshold)>& loss, float highest, double tolerance) {
    constexpr int halvings = 12;
    double        most     = (1 + tolerance) * loss(0);
    if (loss(highest) <= most) {
        return highest;
    }
    float low  = 0;
    float high = highest;
    for (int i = 0; i < halvings; ++i) {
        float middle                        = 0.5f * (low + high);
        (loss(middle) <= most ? low : high) = middle;
    }
    return low;
}

}  // namespace hemp
