#pragma once

#include "core/random.h"

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace hemp {

/// The numbers 0 .. count-1 in an order that depends on `random` alone (Fisher and Yates). count < 2^32.
inline std::vector<int64_t> shuffled(int64_t count, Random random) {
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    for (size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[random.below(static_cast<uint32_t>(i), i)]);
    }
    return order;
}

}  // namespace hemp
