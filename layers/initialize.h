#pragma once

#include "core/graph.h"

namespace hemp {

// The values are made when they are first asked for.

/// Where a parameter's first values come from: a function of (seed, name), so that adding a layer changes no other.
struct Source {
    uint64_t    seed;
    std::string name;
};

/// A name as a stream of random numbers.
uint64_t stream_of(const std::string& name);

/// First values of a weight.
using Initializer = Array (*)(const Shape& shape, const Source& source);

/// Normal with deviation sqrt(2 / fan_in) (He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015, equation 10).
/// fan_in is the number of inputs of one output: all axes but the first.
Array kaiming_normal(const Shape& shape, const Source& source);

/// Normal with deviation sqrt(2 / fan_out): fan_out is the number of outputs of one input, all axes but the second.
/// What torchvision gives the convolutions of its ResNets, VGGs and MobileNets.
Array kaiming_normal_outputs(const Shape& shape, const Source& source);

/// Normal with deviation 0.01: what torchvision gives the linear layers of its VGGs and MobileNets.
Array small_normal(const Shape& shape, const Source& source);

/// Uniform in +-sqrt(1 / fan_in): what PyTorch gives linear layers and convolutions unless told otherwise.
Array kaiming_uniform(const Shape& shape, const Source& source);

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, "Understanding the difficulty of training deep
/// feedforward neural networks", 2010, equation 16).
Array xavier_uniform(const Shape& shape, const Source& source);

struct FirstValues {
    Array weight, bias;
};

/// Of a layer's weight, its outputs first, and bias: by `initializer` and zero; without one both uniform in
/// +-sqrt(1 / fan_in).
FirstValues first_values(const std::string& layer, const Shape& weight, Initializer initializer, uint64_t seed);

/// Uniform in +-bound.
Array uniform(const Shape& shape, float bound, const Source& source);

}  // namespace hemp
