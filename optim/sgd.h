#pragma once

#include "core/grad.h"

namespace hemp {

struct SgdOptions {
    Tensor rate;                  ///< scalar, usually an input: the learning rate of this step
    float  momentum     = 0;      ///< v = momentum v + gradient
    bool   nesterov     = false;  ///< the step looks ahead: gradient + momentum v
    float  weight_decay = 0;      ///< per step
    bool   decoupled    = false;  ///< the decay acts on the weight (times the rate), not through the gradient
};

/// Stochastic gradient descent as PyTorch defines it: w = w - rate v. Momentum needs one more variable a parameter,
/// which is among the updates.
Updates sgd(const Gradients& gradients, const SgdOptions& options);

}  // namespace hemp
