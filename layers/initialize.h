#pragma once

#include "core/graph.h"

namespace hemp {

/// Where a parameter's first values come from: a function of (seed, name), so that adding a layer changes no other.
struct Source {
    uint64_t    seed;
    std::string name;
};

/// A name as a stream of random numbers.
uint64_t stream_of(const std::string& name);

/// Normal with deviation sqrt(2 / fan_in) (He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015, equation 10).
/// fan_in is the number of inputs of one output: all axes but the first.
Array kaiming_normal(const Shape& shape, const Source& source);

/// Uniform in +-sqrt(1 / fan_in): what PyTorch gives linear layers and convolutions unless told otherwise.
Array kaiming_uniform(const Shape& shape, const Source& source);

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, "Understanding the difficulty of training deep
/// feedforward neural networks", 2010, equation 16).
Array xavier_uniform(const Shape& shape, const Source& source);

/// Uniform in +-bound.
Array uniform(const Shape& shape, float bound, const Source& source);

}  // namespace hemp
