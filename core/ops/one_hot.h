#pragma once

#include "core/graph.h"

namespace hemp {

/// [..] i32 or u8 to [.., classes] f32: 1 at each label's place, 0 elsewhere; all 0 for a label out of range.
/// A composition (label == 0, 1, 2, ...), fused into its reader.
Tensor one_hot(const Tensor& labels, int64_t classes);

}  // namespace hemp
