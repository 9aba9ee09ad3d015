#pragma once

#include "core/graph.h"

namespace hemp {

/// e^x; greatest error 2 ULP; 0 and infinity beyond the range of f32.
Tensor exp(const Tensor& x);

}  // namespace hemp
