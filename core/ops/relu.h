#pragma once

#include "core/graph.h"

#include <optional>

namespace hemp {

/// max(x, 0); NaN stays.
Tensor relu(const Tensor& x);

/// min(max(x, 0), 6): the activation of MobileNets (Sandler and others, "MobileNetV2", 2018, section 3.1). NaN stays.
Tensor relu6(const Tensor& x);

/// Their gradients: dy where the activation's result y is above 0 (and below 6), else 0.
Tensor relu_gradient(const Tensor& y, const Tensor& dy);
Tensor relu6_gradient(const Tensor& y, const Tensor& dy);

/// The same where y is normalise(x, centre, gain, offset), from its operands: what batch norm computes need not be
/// kept.
Tensor normalised_relu_gradient(const Tensor& x, const Tensor& centre, const Tensor& gain, const Tensor& offset,
                                const Tensor& dy);
Tensor normalised_relu6_gradient(const Tensor& x, const Tensor& centre, const Tensor& gain, const Tensor& offset,
                                 const Tensor& dy);

/// The gradient to the result of a rectifier, whose input is a normalise.
struct PassedBack {
    Tensor dy;
    bool   six;  ///< relu6, else relu
};

/// `tensor` taken apart, if it is what a rectifier passes back to normalise(..), of whose operands it is made; else
/// nothing.
std::optional<PassedBack> passed_back(const Tensor& tensor);

}  // namespace hemp
