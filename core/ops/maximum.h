#pragma once

#include "core/graph.h"

namespace hemp {

/// The larger of a and b, elementwise with broadcasting; NaN where either is.
Tensor maximum(const Tensor& a, const Tensor& b);

}  // namespace hemp
