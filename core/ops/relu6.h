#pragma once

#include "core/ops/clamp.h"

namespace hemp {

/// min(max(x, 0), 6), elementwise: the activation of MobileNets (Sandler and others, "MobileNetV2", 2018, section 3.1).
/// A composition.
inline Tensor relu6(const Tensor& x) { return clamp(x, constant(0.0f), constant(6.0f)); }

}  // namespace hemp
