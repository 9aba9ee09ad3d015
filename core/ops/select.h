#pragma once

#include "core/graph.h"

namespace hemp {

/// a where the condition is not 0, b elsewhere; elementwise with broadcasting. A value not chosen cannot spoil the
/// result, not even NaN. Gradient to a and b.
Tensor select(const Tensor& condition, const Tensor& a, const Tensor& b);

}  // namespace hemp
