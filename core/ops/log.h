#pragma once

#include "core/graph.h"

namespace hemp {

/// ln x; greatest error 2 ULP; -infinity at 0, NaN below.
Tensor log(const Tensor& x);

}  // namespace hemp
