#pragma once
// JPEG and PNG files, decoded by stb_image under limits on size and memory.

#include "core/file/file.h"
#include "datasets/images.h"

#include <filesystem>
#include <span>
#include <string>

namespace hemp {

constexpr size_t most_image_memory = size_t{1} << 30;  ///< bytes

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
///             GiB) or than `max_memory` bytes
Array decode_image(std::span<const std::byte> file, int channels, const std::string& where,
                   size_t max_memory = most_image_memory);

/// As above, for a file whose header is known, into memory: [channels, height, width] of the header's size.
void decode_image(std::span<const std::byte> file, const ImageInfo& info, Image to, const std::string& where,
                  size_t max_memory = most_image_memory);

/// An image file as a network wants it, cut and resampled as in evaluation_box.
///   shape     [C, H, W], C is 1 or 3
///   throws    as read_image_file and decode_image
Array read_image(const std::filesystem::path& path, const Shape& shape, size_t max_memory = most_image_memory);

/// The bytes of an image's file. Throws Error where there is none, DataError where it is a folder, a pipe or a broken
/// link instead.
Bytes read_image_file(const std::filesystem::path& path, size_t max_bytes);

}  // namespace hemp
