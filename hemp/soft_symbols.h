#pragma once
// Soft symbols: which two levels a weight lies between, and how it is shared between them.

#include "core/kernels/vector.h"
#include "hemp/thresholds.h"

#include <cmath>
#include <cstring>

namespace hemp {

/// The intervals between neighbouring levels, made ready for soft_symbols.
struct Intervals {
    float      lower[Thresholds::most];    ///< level k
    float      inverse[Thresholds::most];  ///< 1 / (level k+1 - level k)
    float      lowest;                     ///< level 0
    float      highest;                    ///< the last level
    int        count;                      ///< one less than levels
    Thresholds starts;                     ///< a weight lies above as many as the index of its interval

    explicit Intervals(std::span<const float> levels)
        : lowest(levels.front()),
          highest(levels.back()),
          count(static_cast<int>(levels.size()) - 1),
          starts(static_cast<int>(levels.size()) - 2) {
        for (int k = 0; k < count; ++k) {
            size_t at  = static_cast<size_t>(k);
            lower[k]   = levels[at];
            inverse[k] = levels[at + 1] > levels[at] ? 1 / (levels[at + 1] - levels[at]) : 0;
        }
        for (int k = 1; k < count; ++k) {  // a weight at a level belongs to the interval above it
            starts.values[k - 1] = std::nextafter(lower[k], -std::numeric_limits<float>::infinity());
        }
    }
};

/// Soft symbols of a tile of weights. Weight i belongs to level interval[i] + 1 with probability share[i], to level
/// interval[i] with the rest. `inverse` is the derivative of the share: 1 / step between the outermost levels (at a
/// level, of the interval above it), 0 at the highest level and outside, where a weight belongs to the nearest level
/// alone. NaN is treated as below all levels. The same bits on every instruction set.
struct SoftTile {
    static constexpr int64_t size    = 1024;
    static constexpr int64_t padding = 16;  // whole vectors are written

    int32_t interval[size + padding];
    float   share[size + padding];
    float   inverse[size + padding];
};

struct SoftSymbols {
    template <class V>
    HEMP_INLINE static void run(const float* weights, const Intervals* intervals, SoftTile* tile, int64_t size) {
        bool chain = intervals->count < most_levels_in_chain;
        if (!chain) {
            CountBelow::run<V>(weights, &intervals->starts, tile->interval, size);
        }
        for (int64_t i = 0; i < size; i += V::width) {
            float last[V::width] = {};
            bool  whole          = i + V::width <= size;
            if (!whole) {
                std::memcpy(last, weights + i, static_cast<size_t>(size - i) * sizeof(float));
            }
            typename V::Float w = V::load(whole ? weights + i : last);
            typename V::Float lower;
            typename V::Float inverse;
            if (chain) {
                by_chain<V>(w, *intervals, tile->interval + i, lower, inverse);
            } else {
                by_index<V>(*intervals, tile->interval + i, std::min<int64_t>(V::width, size - i), lower, inverse);
            }
            typename V::Float share = V::max((w - lower) * inverse, V::all(0.0f));
            share                   = w >= intervals->highest ? V::all(1.0f) : V::min(share, V::all(1.0f));
            inverse                 = w < intervals->highest ? inverse : V::all(0.0f);
            inverse                 = w >= intervals->lowest ? inverse : V::all(0.0f);
            V::store(tile->share + i, share);
            V::store(tile->inverse + i, inverse);
        }
    }

 private:
    template <class V>
    HEMP_INLINE static void by_chain(typename V::Float w, const Intervals& intervals, int32_t* index,
                                     typename V::Float& lower, typename V::Float& inverse) {
        typename V::Int k = {};
        lower             = V::all(intervals.lower[0]);
        inverse           = V::all(intervals.inverse[0]);
        for (int j = 1; j < intervals.count; ++j) {
            typename V::Int above = w >= intervals.lower[j];
            k -= above;  // true is -1
            lower   = above ? V::all(intervals.lower[j]) : lower;
            inverse = above ? V::all(intervals.inverse[j]) : inverse;
        }
        V::store(index, k);
    }

    template <class V>
    HEMP_INLINE static void by_index(const Intervals& intervals, const int32_t* index, int64_t size,
                                     typename V::Float& lower, typename V::Float& inverse) {
        float lowers[V::width]   = {};
        float inverses[V::width] = {};
        for (int64_t i = 0; i < size; ++i) {
            lowers[i]   = intervals.lower[index[i]];
            inverses[i] = intervals.inverse[index[i]];
        }
        lower   = V::load(lowers);
        inverse = V::load(inverses);
    }
};

}  // namespace hemp
