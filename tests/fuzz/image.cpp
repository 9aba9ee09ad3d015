// Any bytes are an image or give a DataError. Decoding is left out where it would only be slow.

#include "datasets/image.h"

#include <zlib.h>

using namespace hemp;

namespace {

/// With the checksums of a PNG's chunks as they should be: what lies behind the look at them is to be reached.
Bytes with_good_checksums(std::span<const std::byte> file) {
    Bytes  bytes(file.begin(), file.end());
    size_t at = 8;
    while (at + 12 <= bytes.size()) {
        size_t length = 0;
        for (size_t i = at; i < at + 4; ++i) {
            length = length << 8 | std::to_integer<size_t>(bytes[i]);
        }
        if (length > bytes.size() - at - 12) {
            break;
        }
        uLong checksum = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()) + at + 4, static_cast<uInt>(length + 4));
        for (size_t i = 0; i < 4; ++i) {
            bytes[at + 8 + length + i] = static_cast<std::byte>(checksum >> (24 - 8 * i));
        }
        at += 12 + length;
    }
    return bytes;
}

void check(std::span<const std::byte> bytes) {
    try {
        ImageInfo info = inspect_image(bytes, "input");
        if (info.height * info.width <= 256 * 256) {
            decode_image(bytes, 3, "input");
        }
    } catch (const DataError&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
    check(bytes);
    if (size > 1 && data[0] == 0x89) {
        check(with_good_checksums(bytes));
    }
    return 0;
}
