#pragma once

#include "core/graph.h"

namespace hemp {

/// a + b, elementwise with broadcasting.
Tensor add(const Tensor& a, const Tensor& b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator+(const Tensor& a, float b) { return add(a, constant(b)); }
inline Tensor operator+(float a, const Tensor& b) { return add(constant(a), b); }

}  // namespace hemp
