#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace hemp {

/// May stb_image take it for a JPEG?
bool is_jpeg(std::span<const std::byte> file);

/// Refuses what stb_image 2.27 (Debian 12) would take without a check of its own: a Huffman table of more than 256
/// codes, which it writes beyond its memory, and a file that is cut off, which it fills up without a word. Refuses
/// images that are too large too, which it calls images of an unknown type.
///   throws    DataError that begins with `where`
void check_jpeg(std::span<const std::byte> file, const std::string& where);

}  // namespace hemp
