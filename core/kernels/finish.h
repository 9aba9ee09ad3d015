#pragma once
// What a convolution does to its sums before it writes them, while they are in registers: a bias, another tensor and an
// activation cost no walk over memory of their own.

#include "core/kernels/vector.h"

#include <limits>

namespace hemp {

/// y = min(max(sum + bias + addend, low), high). Where a sum is NaN, so is y.
struct Finish {
    const float* bias   = nullptr;  ///< 16 floats for each block of 16 channels; none: 0
    const float* addend = nullptr;  ///< laid out as y; none: 0
    float        low    = -std::numeric_limits<float>::infinity();
    float        high   = std::numeric_limits<float>::infinity();

    /// For results that begin `blocks` blocks and `floats` floats further on.
    Finish at(int64_t blocks, int64_t floats) const {
        constexpr int64_t lanes = 16;
        return {bias ? bias + blocks * lanes : nullptr, addend ? addend + floats : nullptr, low, high};
    }

    template <class V>
    HEMP_INLINE typename V::Float bounded(typename V::Float x) const {
        return V::min(V::all(high), V::max(V::all(low), x));
    }
};

}  // namespace hemp
