#pragma once
// Winograd's transforms along one axis, for six points. With points 0, +-a, +-b, infinity and b = 2a, the matrices of
// Toom and Cook's algorithm for r taps and m = 7 - r results have rows
//   B'   0: (a2 b2, 0, -(a2 + b2), 0, 1, 0)    +-a: (0, -+a b2, -b2, +-a, 1, 0)    +-b: (0, -+b a2, -a2, +-b, 1, 0)
//        infinity: (0, a2 b2, 0, -(a2 + b2), 0, 1)
//   G    p: (1, p, p2, ...) / N(p), where N(p) is the product of the differences to the other points;
//        infinity: (0, ..., 0, 1)
//   A    p: (1, p, p2, ...); infinity: (0, ..., 0, 1)
// Rows of +-p share their even and odd part. Factors common to a row are multiplied in last, once for both axes.
// No sum has two products as terms: which of them would be rounded alone is the compiler's choice.

#include "core/kernels/vector.h"

namespace hemp::winograd {

constexpr double a  = 0.75;
constexpr double b  = 1.5;
constexpr double a2 = a * a;
constexpr double b2 = b * b;

constexpr double na = 2 * a2 * (a2 - b2);  // N(a) = N(-a)
constexpr double nb = 2 * b2 * (b2 - a2);
/// Factors of the rows of G. That of infinity belongs to A' of 4 results, whose last row lacks it.
constexpr double filter_scale[6]   = {1 / (a2 * b2), 1 / na, 1 / na, 1 / nb, 1 / nb, 1 / (a * a2)};
constexpr double filter_scale_5[6] = {1 / (a2 * b2), 1 / na, 1 / na, 1 / nb, 1 / nb, 1};
/// Factors of the rows of A', of 4 results or the first 2.
constexpr double result_scale[4] = {1, a, a2, a* a2};
/// Factors of the rows of G', of 5 taps or the first 3.
constexpr double tap_scale[5] = {1 / na, a / na, a2 / na, a* a2 / na, a2* a2 / na};
/// Factors of the rows of B.
constexpr double input_scale[6] = {a2 * b2, a* b2, -b2, a, 1, 1};

template <class V>
HEMP_INLINE typename V::Float number(double x) {
    return V::all(static_cast<float>(x));
}

/// Values at +-a and +-b from the even and odd parts of a polynomial.
template <class V>
HEMP_INLINE void set_pairs(typename V::Float even_a, typename V::Float odd_a, typename V::Float even_b,
                           typename V::Float odd_b, typename V::Float (&v)[6]) {
    v[1] = even_a + number<V>(a) * odd_a;
    v[2] = even_a - number<V>(a) * odd_a;
    v[3] = even_b + number<V>(b) * odd_b;
    v[4] = even_b - number<V>(b) * odd_b;
}

/// Sums and differences of the values at +-a and +-b.
template <class V>
struct Pairs {
    typename V::Float sum_a, dif_a, sum_b, dif_b;

    HEMP_INLINE explicit Pairs(const typename V::Float (&m)[6])
        : sum_a(m[1] + m[2]), dif_a(m[1] - m[2]), sum_b(m[3] + m[4]), dif_b(m[3] - m[4]) {}
};

/// B'
template <class V>
HEMP_INLINE void to_points(const typename V::Float (&d)[6], typename V::Float (&v)[6]) {
    using F  = typename V::Float;
    F even_a = d[4] - number<V>(b2) * d[2];
    F odd_a  = d[3] - number<V>(b2) * d[1];
    F even_b = d[4] - number<V>(a2) * d[2];
    F odd_b  = d[3] - number<V>(a2) * d[1];
    v[0]     = even_a - number<V>(a2) * (d[2] - number<V>(b2) * d[0]);
    set_pairs<V>(even_a, odd_a, even_b, odd_b, v);
    v[5] = (d[5] - number<V>(b2) * d[3]) - number<V>(a2) * odd_a;
}

/// A
template <class V>
HEMP_INLINE void to_points(const typename V::Float (&y)[4], typename V::Float (&v)[6]) {
    using F  = typename V::Float;
    F even_a = y[0] + number<V>(a2) * y[2];
    F odd_a  = y[1] + number<V>(a2) * y[3];
    F even_b = y[0] + number<V>(b2) * y[2];
    F odd_b  = y[1] + number<V>(b2) * y[3];
    v[0]     = y[0];
    set_pairs<V>(even_a, odd_a, even_b, odd_b, v);
    v[5] = y[3];
}

/// The rows of G without their scaling.
template <class V>
HEMP_INLINE void to_points(const typename V::Float (&g)[3], typename V::Float (&v)[6]) {
    using F  = typename V::Float;
    F even_a = g[0] + number<V>(a2) * g[2];
    F even_b = g[0] + number<V>(b2) * g[2];
    v[0]     = g[0];
    set_pairs<V>(even_a, g[1], even_b, g[1], v);
    v[5] = g[2];
}

/// The rows of A' without their scaling.
template <class V>
HEMP_INLINE void from_points(const typename V::Float (&m)[6], typename V::Float (&y)[4]) {
    auto [sum_a, dif_a, sum_b, dif_b] = Pairs<V>(m);
    y[0]                              = m[0] + sum_a + sum_b;
    y[1]                              = dif_a + number<V>(b / a) * dif_b;
    y[2]                              = sum_a + number<V>(b2 / a2) * sum_b;
    y[3]                              = (m[5] + dif_a) + number<V>(b * b2 / (a * a2)) * dif_b;
}

/// The rows of G' without their scaling.
template <class V>
HEMP_INLINE void from_points(const typename V::Float (&m)[6], typename V::Float (&g)[3]) {
    auto [sum_a, dif_a, sum_b, dif_b] = Pairs<V>(m);
    g[0]                              = (sum_a + number<V>(na / nb) * sum_b) + number<V>(na / (a2 * b2)) * m[0];
    g[1]                              = dif_a + number<V>(na / nb * b / a) * dif_b;
    g[2]                              = (sum_a + number<V>(na / nb * b2 / a2) * sum_b) + number<V>(na / a2) * m[5];
}

/// A of 2 results.
template <class V>
HEMP_INLINE void to_points(const typename V::Float (&y)[2], typename V::Float (&v)[6]) {
    v[0] = y[0];
    set_pairs<V>(y[0], y[1], y[0], y[1], v);
    v[5] = y[1];
}

/// The rows of G without their scaling, for 5 taps.
template <class V>
HEMP_INLINE void to_points(const typename V::Float (&g)[5], typename V::Float (&v)[6]) {
    using F  = typename V::Float;
    F even_a = g[0] + number<V>(a2) * (g[2] + number<V>(a2) * g[4]);
    F odd_a  = g[1] + number<V>(a2) * g[3];
    F even_b = g[0] + number<V>(b2) * (g[2] + number<V>(b2) * g[4]);
    F odd_b  = g[1] + number<V>(b2) * g[3];
    v[0]     = g[0];
    set_pairs<V>(even_a, odd_a, even_b, odd_b, v);
    v[5] = g[4];
}

/// The rows of A' without their scaling, for 2 results of 5 taps.
template <class V>
HEMP_INLINE void from_points(const typename V::Float (&m)[6], typename V::Float (&y)[2]) {
    auto [sum_a, dif_a, sum_b, dif_b] = Pairs<V>(m);
    y[0]                              = m[0] + sum_a + sum_b;
    y[1]                              = (dif_a + number<V>(b / a) * dif_b) + number<V>(1 / a) * m[5];
}

/// The rows of G' without their scaling, for 5 taps.
template <class V>
HEMP_INLINE void from_points(const typename V::Float (&m)[6], typename V::Float (&g)[5]) {
    auto [sum_a, dif_a, sum_b, dif_b] = Pairs<V>(m);
    g[0]                              = (sum_a + number<V>(na / nb) * sum_b) + number<V>(na / (a2 * b2)) * m[0];
    g[1]                              = dif_a + number<V>(na / nb * b / a) * dif_b;
    g[2]                              = sum_a + number<V>(na / nb * b2 / a2) * sum_b;
    g[3]                              = dif_a + number<V>(na / nb * b * b2 / (a * a2)) * dif_b;
    g[4] = (sum_a + number<V>(na / nb * b2 * b2 / (a2 * a2)) * sum_b) + number<V>(na / (a2 * a2)) * m[5];
}

/// The rows of B without their scaling.
template <class V>
HEMP_INLINE void from_points(const typename V::Float (&v)[6], typename V::Float (&d)[6]) {
    auto [sum_a, dif_a, sum_b, dif_b] = Pairs<V>(v);
    d[0]                              = v[0];
    d[1]                              = number<V>(a) * v[5] - (dif_a + number<V>(a / b) * dif_b);
    d[2]                              = (sum_a + number<V>(a2 / b2) * sum_b) + number<V>((a2 + b2) / b2) * v[0];
    d[3]                              = (dif_a + number<V>(b / a) * dif_b) - number<V>((a2 + b2) / a) * v[5];
    d[4]                              = v[0] + sum_a + sum_b;
    d[5]                              = v[5];
}

}  // namespace hemp::winograd
