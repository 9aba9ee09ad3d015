// Any bytes are an image or give a DataError. Decoding is left out where it would only be slow.

#include "datasets/image.h"

using namespace hemp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
    try {
        ImageInfo info = inspect_image(bytes, "input");
        if (info.height * info.width <= 256 * 256) {
            decode_image(bytes, 3, "input");
        }
    } catch (const DataError&) {
    }
    return 0;
}
