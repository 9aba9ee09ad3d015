#include "datasets/png.h"

#include "core/error.h"
#include "datasets/stb_image_write.h"

#include <limits>

namespace hemp {

std::vector<std::byte> encode_png(ConstImage image) {
    if (image.channels != 1 && image.channels != 3) {
        fail<UsageError>("png: an image of {} channels cannot be written; it must have 1 or 3", image.channels);
    }
    if (image.size() <= 0 || image.size() > std::numeric_limits<int>::max()) {
        fail<UsageError>("png: an image of {} x {} pixels cannot be written; it must have some, and less than 2^31",
                         image.height, image.width);
    }
    std::vector<uint8_t> pixels;  // channel after channel within each pixel
    pixels.reserve(static_cast<size_t>(image.size()));
    for (int64_t y = 0; y < image.height; ++y) {
        for (int64_t x = 0; x < image.width; ++x) {
            for (int64_t c = 0; c < image.channels; ++c) {
                pixels.push_back(image.row(c, y)[x]);
            }
        }
    }
    std::vector<std::byte> file;
    auto                   append = [](void* to, void* data, int size) {
        const auto* bytes = static_cast<const std::byte*>(data);
        static_cast<std::vector<std::byte>*>(to)->insert(static_cast<std::vector<std::byte>*>(to)->end(), bytes,
                                                                           bytes + size);
    };
    int written = stbi_write_png_to_func(append, &file, static_cast<int>(image.width), static_cast<int>(image.height),
                                         static_cast<int>(image.channels), pixels.data(), 0);
    if (written == 0) {
        fail("png: an image of {} x {} pixels could not be written: there is not enough memory", image.height,
             image.width);
    }
    return file;
}

}  // namespace hemp
