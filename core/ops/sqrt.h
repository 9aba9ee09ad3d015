#pragma once

#include "core/graph.h"

namespace hemp {

/// Square root, correctly rounded; NaN below 0.
Tensor sqrt(const Tensor& x);

}  // namespace hemp
