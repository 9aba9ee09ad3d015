#include "datasets/image_size.h"

#include "core/error.h"

#include <algorithm>

namespace hemp {

void check_image_size(int64_t height, int64_t width, const std::string& where) {
    constexpr int64_t max_pixels = 64 << 20;
    if (std::max(width, height) > max_image_side || width * height > max_pixels) {
        fail<DataError>(
            "{}: the image has {} x {} pixels, at most {} million and {} on a side are allowed; use a smaller one",
            where, height, width, max_pixels >> 20, max_image_side);
    }
}

}  // namespace hemp
