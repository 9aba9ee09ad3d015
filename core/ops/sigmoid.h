#pragma once

#include "core/graph.h"

namespace hemp {

/// 1 / (1 + e^-x); greatest error 4 ULP.
Tensor sigmoid(const Tensor& x);

}  // namespace hemp
