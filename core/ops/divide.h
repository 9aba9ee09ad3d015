#pragma once

#include "core/graph.h"

namespace hemp {

/// a / b, elementwise with broadcasting.
Tensor divide(const Tensor& a, const Tensor& b);

inline Tensor operator/(const Tensor& a, const Tensor& b) { return divide(a, b); }
inline Tensor operator/(const Tensor& a, float b) { return divide(a, constant(b)); }
inline Tensor operator/(float a, const Tensor& b) { return divide(constant(a), b); }

}  // namespace hemp
