#pragma once

#include "core/graph.h"

namespace hemp {

/// The same values as another element type: u8 or i32 to f32 (exact up to 2^24), f32 to i32 or u8 (towards zero,
/// saturating; NaN gives 0). A cast to the type that x has is x itself. Gradient: from f32 to f32 only.
Tensor cast(const Tensor& x, DType dtype);

}  // namespace hemp
