#pragma once

#include "layers/layer.h"

namespace hemp {

/// In training, zeroes each element with probability `rate` and divides the others by 1 - rate; in use, does nothing.
/// What is zeroed is a function of (seed, name, Pass::step). No parameters.
Layer dropout(const std::string& name, float rate, uint64_t seed = 0);

}  // namespace hemp
