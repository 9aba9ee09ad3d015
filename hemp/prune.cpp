#include "hemp/prune.h"

#include "core/ops/compare.h"
#include "core/ops/divide.h"
#include "core/ops/negate.h"
#include "core/ops/reduce.h"
#include "core/ops/select.h"
#include "core/ops/subtract.h"

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

Tensor insensitivity(const Tensor& gradient) {
    Tensor size    = select(greater(gradient, constant(0.0f)), gradient, -gradient);
    Tensor largest = max(size);
    return select(greater(largest, constant(0.0f)), 1.0f - size / largest, constant(1.0f));
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
