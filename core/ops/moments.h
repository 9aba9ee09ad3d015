#pragma once

#include "core/graph.h"

namespace hemp {

/// Mean and variance of each channel, over all other axes: what batch normalisation in training divides by. Gathered
/// where a convolution writes x, when the planner finds that (core/plan/gather.cpp).
///   x         [N, C] or [N, C, H, W] f32, not empty
///   returns   [2, C]: the means, then the variances (divided by the number of values, not by one less)
///   gradient  to x
///   throws    ShapeError for other shapes
Tensor moments(const Tensor& x);

/// The same of `channels` channels in blocks, x [N, B, H, W, 16]; the planner puts it in the place of the above.
Tensor moments(const Tensor& x, int64_t channels);

}  // namespace hemp
