#pragma once

#include "core/graph.h"

namespace hemp {

/// x with its axes in another order: axis i of the result is axis `axes[i]` of x. Gradient to x.
Tensor transpose(const Tensor& x, std::vector<int> axes);

/// x with its last two axes exchanged.
Tensor transpose(const Tensor& x);

}  // namespace hemp
