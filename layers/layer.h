#pragma once
// A layer: parameters, and a function that adds its nodes to the graph. Plain values, no class for each kind.

#include "core/graph.h"

#include <functional>

namespace hemp {

/// What a parameter is for; the regularizer works on weights alone.
enum class Role : uint8_t { weight, bias, scale, shift, running_mean, running_variance };

struct Parameter {
    std::string name;  ///< as in PyTorch's state_dict: "conv1.weight"
    Tensor      variable;
    Role        role;
    float       epsilon = 0;  ///< of a running variance: what batch norm adds to it

    /// Running statistics are updated, but not by the optimizer.
    bool trained() const { return role != Role::running_mean && role != Role::running_variance; }
};
using Parameters = std::vector<Parameter>;

/// One walk through a network.
struct Pass {
    bool    training = false;
    Tensor  step     = {};  ///< i32 scalar, the number of the step: what dropout draws from
    Updates updates  = {};  ///< collected on the way: new running statistics
};

struct Layer {
    Parameters                                  parameters = {};
    std::function<Tensor(const Tensor&, Pass&)> forward;
};

/// Layers one after another, with all their parameters.
Layer sequential(std::vector<Layer> layers);

/// A function without parameters as a layer: activation(relu).
Layer activation(Tensor (*function)(const Tensor&));

/// [N, ...] to [N, all the rest].
Layer flatten();

}  // namespace hemp
