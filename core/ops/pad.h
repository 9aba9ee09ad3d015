#pragma once

#include "core/graph.h"

namespace hemp {

/// x with `before[i]` and `after[i]` elements of zero around axis i. Gradient to x.
Tensor pad(const Tensor& x, std::vector<int64_t> before, std::vector<int64_t> after);

}  // namespace hemp
