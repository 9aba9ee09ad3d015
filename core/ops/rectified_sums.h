#pragma once

#include "core/graph.h"

namespace hemp {

/// What the offset and gain of batch norm get through a rectifier, over all but the channels: with y = (x - centre) *
/// gain + offset, the sums of dy and of dy (x - centre) where y is above 0 (and below 6). Gathered where a
/// convolution's gradient writes dy, when the planner finds that (core/plan/gather.cpp).
///   dy, x                 [N, C, H, W] f32
///   centre, gain, offset  [C, 1, 1] f32
///   six                   whether the rectifier is relu6
///   returns               [2, C]
///   gradient              to dy, x, centre
///   throws                ShapeError for other shapes
Tensor rectified_sums(const Tensor& dy, const Tensor& x, const Tensor& centre, const Tensor& gain, const Tensor& offset,
                      bool six);

}  // namespace hemp
