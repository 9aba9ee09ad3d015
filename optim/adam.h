#pragma once

#include "core/grad.h"

namespace hemp {

struct AdamOptions {
    Tensor rate;                   ///< scalar, usually an input: the learning rate of this step
    float  beta1        = 0.9f;    ///< decay of the mean of gradients, per step
    float  beta2        = 0.999f;  ///< decay of the mean of their squares, per step
    float  epsilon      = 1e-8f;
    float  weight_decay = 0;     ///< per step
    bool   decoupled    = true;  ///< AdamW: the decay acts on the weight (times the rate), not through the gradient
};

/// Adam (Kingma and Ba, 2015, algorithm 1), with decoupled decay AdamW (Loshchilov and Hutter, 2019, algorithm 2).
/// Means and the powers of beta are variables, and among the updates.
Updates adam(const Gradients& gradients, const AdamOptions& options);

}  // namespace hemp
