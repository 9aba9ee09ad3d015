#pragma once

#include "core/graph.h"

namespace hemp {

/// Random numbers in [0, 1), multiples of 2^-24: a function of (seed, stream, step, place) alone, so that a resumed run
/// sees the numbers of an uninterrupted one. Place i takes word i % 4 of block (step * 2^32 + i / 4) of
/// Random(seed, stream).
///   stream    what the numbers are for: two uses in a program need two streams
///   step      scalar i32, an input or variable that counts the runs
///   returns   `shape` f32; at most 2^34 elements
///   gradient  none
///   throws    ShapeError when the step is no scalar i32
Tensor random_uniform(const Shape& shape, uint64_t seed, uint64_t stream, const Tensor& step);

}  // namespace hemp
