#pragma once

#include "core/graph.h"

namespace hemp {

/// Hyperbolic tangent; greatest error 2 ULP.
Tensor tanh(const Tensor& x);

}  // namespace hemp
