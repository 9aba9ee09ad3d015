#pragma once

#include "core/file/safetensors.h"

#include <string>
#include <vector>

namespace hemp {

/// The matrices of $HEMP_DATA/weights/NAME.safetensors, in the order of the file; none when HEMP_DATA is not set.
std::vector<NamedArray> real_weights(const std::string& name);

/// Integers for plain rounding to multiples of `step`.
std::vector<int32_t> rounded(const Array& values, float step);

}  // namespace hemp
