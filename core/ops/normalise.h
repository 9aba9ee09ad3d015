#pragma once

#include "core/graph.h"

namespace hemp {

/// (x - centre) * gain + offset, in one rounding less than the three operators: what batch norm does to its input.
///   x, centre, gain, offset   f32, broadcast together
///   gradient                  to all four
///   throws                    ShapeError when an operand is not f32 or shapes do not broadcast
/// Convolutions can read an operand through it (Operator::work_reading).
Tensor normalise(const Tensor& x, const Tensor& centre, const Tensor& gain, const Tensor& offset);

}  // namespace hemp
