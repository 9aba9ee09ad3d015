#pragma once
// How many of a sorted list of thresholds lie below each of many numbers: what finding a nearest level or the pair of
// levels around a weight comes down to.

#include "core/kernels/vector.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <span>

namespace hemp {

/// Up to this many levels a chain of compares is faster than a binary search: it needs no memory beyond registers.
constexpr int most_levels_in_chain = 16;

/// Up to 255 thresholds, in increasing order.
struct Thresholds {
    static constexpr int most = 255;

    float values[most];
    int   count;

    /// Halfway between neighbouring levels; a level itself is never nearest to another.
    static Thresholds between(std::span<const float> levels) {
        Thresholds result(static_cast<int>(levels.size()) - 1);
        for (int i = 0; i < result.count; ++i) {
            size_t lower     = static_cast<size_t>(i);
            float  middle    = 0.5f * levels[lower] + 0.5f * levels[lower + 1];
            result.values[i] = middle < levels[lower + 1] ? middle : levels[lower];  // as between neighbouring floats
        }
        return result;
    }

    /// Thresholds of the given number, all beyond every number, to be set.
    explicit Thresholds(int count) : count(count) {
        std::fill(values, values + most, std::numeric_limits<float>::infinity());
    }
};

/// below[i] = how many thresholds are < x[i]; 0 where x[i] is NaN.
struct CountBelow {
    template <class V>
    HEMP_INLINE static void run(const float* x, const Thresholds* thresholds, int32_t* below, int64_t size) {
        if (thresholds->count < most_levels_in_chain) {
            chain<V>(x, *thresholds, below, size);
        } else {
            search(x, *thresholds, below, size);
        }
    }

 private:
    template <class V>
    HEMP_INLINE static void chain(const float* x, const Thresholds& thresholds, int32_t* below, int64_t size) {
        int64_t i = 0;
        for (; i + V::width <= size; i += V::width) {
            typename V::Int count = {};
            for (int j = 0; j < thresholds.count; ++j) {
                typename V::Int above = V::load(x + i) > thresholds.values[j];
                count -= above;  // true is -1
            }
            V::store(below + i, count);
        }
        for (; i < size; ++i) {
            below[i] = 0;
            for (int j = 0; j < thresholds.count; ++j) {
                below[i] += x[i] > thresholds.values[j];
            }
        }
    }

    // Without branches, and the same number of steps for all: the compiler turns it into gathers where it has them.
    HEMP_INLINE static void search(const float* x, const Thresholds& thresholds, int32_t* below, int64_t size) {
        std::fill(below, below + size, 0);
        for (int step = static_cast<int>(std::bit_ceil(static_cast<unsigned>(thresholds.count) + 1)) / 2; step > 0;
             step /= 2) {
            for (int64_t i = 0; i < size; ++i) {
                below[i] += thresholds.values[below[i] + step - 1] < x[i] ? step : 0;
            }
        }
    }
};

}  // namespace hemp
