#pragma once

#include "core/graph.h"

namespace hemp {

/// a * b + c, rounded once where the CPU has the instruction. The planner makes it of a product and a sum; operands are
/// f32 and broadcast. Gradient: to all three.
Tensor multiply_add(const Tensor& a, const Tensor& b, const Tensor& c);

}  // namespace hemp
