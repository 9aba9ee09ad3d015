#pragma once

#include "core/graph.h"

namespace hemp {

/// -x.
Tensor negate(const Tensor& x);

inline Tensor operator-(const Tensor& x) { return negate(x); }

}  // namespace hemp
