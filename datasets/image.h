#pragma once
// JPEG and PNG files, decoded by stb_image under limits on size and memory.

#include "datasets/images.h"

#include <filesystem>
#include <span>
#include <string>

namespace hemp {

/// What an image's header says.
struct ImageInfo {
    int64_t height;
    int64_t width;
    bool    colour;
};

/// Sizes from the header alone; `where` names the file in errors.
///   throws    DataError unless it is a JPEG or PNG of at most 64 million pixels and 16,384 on each side; for a JPEG
///             also as check_jpeg
ImageInfo inspect_image(std::span<const std::byte> file, const std::string& where);

/// The image as u8 [channels, H, W]; channels is 1 (grey) or 3. Transparency is ignored.
///   throws    as inspect_image; DataError if it is damaged or would take more memory than an honest one (at most 1
///   GiB)
Array decode_image(std::span<const std::byte> file, int channels, const std::string& where);

/// As above, for a file whose header is known, into memory: [channels, height, width] of the header's size.
void decode_image(std::span<const std::byte> file, const ImageInfo& info, Image to, const std::string& where);

/// An image file as a network wants it, cut and resampled as in evaluation_box.
///   shape     [C, H, W], C is 1 or 3
///   throws    Error if it cannot be read; as decode_image
Array read_image(const std::filesystem::path& path, const Shape& shape);

}  // namespace hemp
