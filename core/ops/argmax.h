#pragma once

#include "core/graph.h"

namespace hemp {

/// Place of the largest value along the last axis: [.., C] f32 to [..] i32. The first of equals; a NaN counts as
/// largest. No gradient. For another axis, transpose first.
Tensor argmax(const Tensor& x);

}  // namespace hemp
