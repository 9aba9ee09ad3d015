#pragma once

#include "core/graph.h"

namespace hemp {

/// The smaller of a and b, elementwise with broadcasting; NaN where either is.
Tensor minimum(const Tensor& a, const Tensor& b);

}  // namespace hemp
