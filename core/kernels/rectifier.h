#pragma once
// The rectifiers max(x, 0) and min(max(x, 0), 6), and what passes back through them. Comparisons let NaN through, so
// that a diverged training shows itself.

#include "core/kernels/vector.h"

#include <limits>

namespace hemp {

struct Relu {
    static constexpr float high = std::numeric_limits<float>::infinity();

    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        return x < V::all(0.0f) ? V::all(0.0f) : x;
    }
    /// dy where the result y lies between the bounds.
    template <class V>
    HEMP_INLINE static typename V::Float gated(typename V::Float y, typename V::Float dy) {
        return y > V::all(0.0f) ? dy : V::all(0.0f);
    }
};

struct Relu6 {
    static constexpr float high = 6;

    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        typename V::Float y = x < V::all(0.0f) ? V::all(0.0f) : x;
        return y > V::all(high) ? V::all(high) : y;
    }
    template <class V>
    HEMP_INLINE static typename V::Float gated(typename V::Float y, typename V::Float dy) {
        // One comparison: y (6 - y) is above 0 where both factors are, and never rounds to 0 between the bounds.
        return y * (V::all(high) - y) > V::all(0.0f) ? dy : V::all(0.0f);
    }
};

}  // namespace hemp
