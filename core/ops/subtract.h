#pragma once

#include "core/graph.h"

namespace hemp {

/// a - b, elementwise with broadcasting.
Tensor subtract(const Tensor& a, const Tensor& b);

inline Tensor operator-(const Tensor& a, const Tensor& b) { return subtract(a, b); }
inline Tensor operator-(const Tensor& a, float b) { return subtract(a, constant(b)); }
inline Tensor operator-(float a, const Tensor& b) { return subtract(constant(a), b); }

}  // namespace hemp
