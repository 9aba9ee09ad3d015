#pragma once

#include <cstdint>
#include <string>

namespace hemp {

constexpr int max_image_side = 16384;  ///< pixels

/// Throws DataError that begins with `where` for an image of more than 64 million pixels or too long a side.
void check_image_size(int64_t height, int64_t width, const std::string& where);

}  // namespace hemp
