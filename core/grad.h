#pragma once

#include "core/graph.h"

namespace hemp {

/// A variable and the gradient of a loss to it.
struct Gradient {
    Tensor variable;
    Tensor gradient;
};
using Gradients = std::vector<Gradient>;

/// Reverse-mode differentiation: adds the nodes that compute the gradient of a scalar to each of `to`, which may be
/// variables, inputs or any tensors on the way. The result can be differentiated again where its operators allow it.
/// Throws ShapeError if the loss is no f32 scalar, Error if an operator on the way has no gradient.
/// A tensor that the loss does not depend on has a gradient of zeros.
Gradients grad(const Tensor& loss, const Tensors& to);

}  // namespace hemp
