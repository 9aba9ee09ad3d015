#pragma once

#include "core/graph.h"

namespace hemp {

/// Elements begin, begin + step, ... of one axis, `count` of them; a negative step walks backwards. Gradient to x.
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t count, int64_t step = 1);

/// The values at one place of the first axis, as a tensor of this shape.
Tensor row(const Tensor& x, int64_t place, const Shape& shape);

/// x with one axis reversed.
Tensor reverse(const Tensor& x, int axis);

}  // namespace hemp
