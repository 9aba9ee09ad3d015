#pragma once

#include "core/graph.h"

namespace hemp {

/// The same values in the same order under another shape of equal size; one length may be -1, and is then worked out.
/// Costs nothing. Gradient to x.
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor reshape(const Tensor& x, std::vector<int64_t> lengths);

}  // namespace hemp
