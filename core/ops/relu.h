#pragma once

#include "core/graph.h"

namespace hemp {

/// max(x, 0); NaN stays.
Tensor relu(const Tensor& x);

}  // namespace hemp
