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
    static constexpr int64_t padding = 16;  // the widest vector

    int32_t interval[size + padding];
    float   share[size + padding];
    float   inverse[size + padding];
};

struct SoftSymbols {
    template <class V>
    HEMP_INLINE static void run(const float* weights, const Intervals* intervals, SoftTile* tile, int64_t size) {
        CountBelow::run<V>(weights, &intervals->starts, tile->interval, size);
        for (int64_t i = 0; i < size; ++i) {
            tile->share[i]   = weights[i] - intervals->lower[tile->interval[i]];
            tile->inverse[i] = intervals->inverse[tile->interval[i]];
        }
        float lowest  = intervals->lowest;
        float highest = intervals->highest;
        for (int64_t i = 0; i < size; ++i) {
            float w          = weights[i];
            float inverse    = tile->inverse[i];
            float share      = tile->share[i] * inverse;
            share            = share > 0 ? share : 0;
            share            = share < 1 ? share : 1;
            tile->share[i]   = w >= highest ? 1 : share;
            inverse          = w >= lowest ? inverse : 0;
            tile->inverse[i] = w < highest ? inverse : 0;
        }
    }
};

}  // namespace hemp
