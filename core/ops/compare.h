#pragma once

#include "core/graph.h"

namespace hemp {

/// Comparisons, elementwise with broadcasting: f32, 1 where true and 0 where not (also where either is NaN).
/// They have no gradient.
Tensor        greater(const Tensor& a, const Tensor& b);
Tensor        greater_equal(const Tensor& a, const Tensor& b);
Tensor        equal(const Tensor& a, const Tensor& b);
inline Tensor less(const Tensor& a, const Tensor& b) { return greater(b, a); }
inline Tensor less_equal(const Tensor& a, const Tensor& b) { return greater_equal(b, a); }

}  // namespace hemp
