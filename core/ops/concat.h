#pragma once

#include "core/graph.h"

namespace hemp {

/// Tensors one after another along an axis; the other axes must agree. Gradient to each.
Tensor concat(const Tensors& parts, int axis);

}  // namespace hemp
