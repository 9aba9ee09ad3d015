#pragma once

#include "core/graph.h"

namespace hemp {

/// a * b, elementwise with broadcasting.
Tensor multiply(const Tensor& a, const Tensor& b);

inline Tensor operator*(const Tensor& a, const Tensor& b) { return multiply(a, b); }
inline Tensor operator*(const Tensor& a, float b) { return multiply(a, constant(b)); }
inline Tensor operator*(float a, const Tensor& b) { return multiply(constant(a), b); }

}  // namespace hemp
