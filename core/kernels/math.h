#pragma once
// Elementary functions on vectors. Range reduction and polynomials are those of Cephes (S. L. Moshier, 1989): their
// coefficients are facts, the code is ours. tests/core/kernels/math.cpp asserts the error bounds stated here.

#include "core/kernels/vector.h"

#include <limits>

namespace hemp {

/// e^x; greatest error 2 ULP; 0 and infinity beyond the range of f32, NaN stays.
template <class V>
HEMP_INLINE typename V::Float exp(typename V::Float x) {
    using F   = typename V::Float;
    using I   = typename V::Int;
    F bounded = V::min(V::max(x, V::all(-104.0f)), V::all(89.0f));
    F n       = (bounded * V::all(1.44269504088896341f) + V::all(0x1.8p23f)) - V::all(0x1.8p23f);  // nearest integer
    F r       = bounded - n * V::all(0.693359375f) - n * V::all(-2.12194440e-4f);
    F p       = V::all(1.9875691500e-4f);
    p         = p * r + V::all(1.3981999507e-3f);
    p         = p * r + V::all(8.3334519073e-3f);
    p         = p * r + V::all(4.1665795894e-2f);
    p         = p * r + V::all(1.6666665459e-1f);
    p         = p * r + V::all(5.0000001201e-1f);
    p         = p * (r * r) + r + V::all(1.0f);
    // 2^n in two factors: n alone may lie outside the range of an exponent.
    I whole = __builtin_convertvector(n, I);
    I half  = whole >> 1;
    I first = (half + 127) << 23;
    I rest  = (whole - half + 127) << 23;
    F y     = p * __builtin_bit_cast(F, first) * __builtin_bit_cast(F, rest);
    return x == x ? y : x;
}

/// Natural logarithm; greatest error 2 ULP; -infinity at 0, NaN below.
template <class V>
HEMP_INLINE typename V::Float log(typename V::Float x) {
    using F     = typename V::Float;
    using I     = typename V::Int;
    auto small  = x < V::all(0x1p-126f);  // denormals are scaled up first
    F    scaled = small ? x * V::all(0x1p23f) : x;
    I    bits   = __builtin_bit_cast(I, scaled);
    I    power  = ((bits >> 23) & 0xff) - 126;
    I    half   = (bits & 0x007fffff) | 0x3f000000;
    F    m      = __builtin_bit_cast(F, half);  // in [0.5, 1)
    F    e      = __builtin_convertvector(power, F) - (small ? V::all(23.0f) : V::all(0.0f));
    auto low    = m < V::all(0.707106781186547524f);
    e           = low ? e - V::all(1.0f) : e;
    F r         = (low ? m + m : m) - V::all(1.0f);
    F z         = r * r;
    F p         = V::all(7.0376836292e-2f);
    p           = p * r + V::all(-1.1514610310e-1f);
    p           = p * r + V::all(1.1676998740e-1f);
    p           = p * r + V::all(-1.2420140846e-1f);
    p           = p * r + V::all(1.4249322787e-1f);
    p           = p * r + V::all(-1.6668057665e-1f);
    p           = p * r + V::all(2.0000714765e-1f);
    p           = p * r + V::all(-2.4999993993e-1f);
    p           = p * r + V::all(3.3333331174e-1f);
    F y         = r * z * p;
    y           = e * V::all(-2.12194440e-4f) + y;
    y           = y - V::all(0.5f) * z;
    y           = r + y;
    y           = e * V::all(0.693359375f) + y;
    F infinity  = V::all(std::numeric_limits<float>::infinity());
    y           = x == infinity ? x : y;
    y           = x == V::all(0.0f) ? -infinity : y;
    y           = x < V::all(0.0f) ? V::all(std::numeric_limits<float>::quiet_NaN()) : y;
    return x == x ? y : x;
}

/// Hyperbolic tangent; greatest error 2 ULP.
template <class V>
HEMP_INLINE typename V::Float tanh(typename V::Float x) {
    using F     = typename V::Float;
    F magnitude = x < V::all(0.0f) ? -x : x;
    F z         = x * x;
    F p         = V::all(-5.70498872745e-3f);
    p           = p * z + V::all(2.06390887954e-2f);
    p           = p * z + V::all(-5.37397155531e-2f);
    p           = p * z + V::all(1.33314422036e-1f);
    p           = p * z + V::all(-3.33332819422e-1f);
    F near      = x + x * z * p;
    F far       = V::all(1.0f) - V::all(2.0f) / (exp<V>(magnitude + magnitude) + V::all(1.0f));
    far         = x < V::all(0.0f) ? -far : far;
    return magnitude < V::all(0.625f) ? near : far;
}

/// 1 / (1 + e^-x); greatest error 4 ULP. Below 0 it is e^x / (1 + e^x): e^-x would overflow where the result is not 0.
template <class V>
HEMP_INLINE typename V::Float sigmoid(typename V::Float x) {
    using F    = typename V::Float;
    auto below = x < V::all(0.0f);
    F    e     = exp<V>(below ? x : -x);
    return (below ? e : V::all(1.0f)) / (V::all(1.0f) + e);
}

/// Square root, correctly rounded.
template <class V>
HEMP_INLINE typename V::Float sqrt(typename V::Float x) {
    for (int i = 0; i < V::width; ++i) {
        x[i] = __builtin_sqrtf(x[i]);
    }
    return x;
}

}  // namespace hemp
