#pragma once

#include "core/ops/maximum.h"
#include "core/ops/minimum.h"

namespace hemp {

/// x moved into [low, high], elementwise with broadcasting. A composition; needs low <= high.
inline Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high) { return minimum(maximum(x, low), high); }

}  // namespace hemp
