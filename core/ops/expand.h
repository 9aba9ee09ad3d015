#pragma once

#include "core/graph.h"

namespace hemp {

/// x repeated along axes of length 1 (and new leading axes) until it has the given shape. Gradient: summed back.
Tensor expand(const Tensor& x, const Shape& shape);

}  // namespace hemp
