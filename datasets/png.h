#pragma once

#include "datasets/images.h"

#include <cstddef>
#include <vector>

namespace hemp {

/// A PNG file of an image with 1 (grey) or 3 channels, written by stb_image_write.
///   throws    UsageError with another number of channels
std::vector<std::byte> encode_png(ConstImage image);

}  // namespace hemp
