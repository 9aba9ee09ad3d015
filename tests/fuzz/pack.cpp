// Any bytes are a pack or give a DataError; with the right checksum too, so that what lies behind it is reached.

#include "datasets/pack.h"
#include "core/error.h"

#include <algorithm>
#include <cstdlib>

using namespace hemp;

namespace {

void parse(std::span<const std::byte> bytes) {
    try {
        PackLayout layout = parse_pack(bytes, "input");
        // What the layout promises is there.
        size_t labels = static_cast<size_t>(layout.shape[0]) * sizeof(int32_t);
        size_t pixels = static_cast<size_t>(layout.shape.size());
        if (layout.labels_at + labels > bytes.size() || layout.pixels_at + pixels > bytes.size()) {
            std::abort();
        }
    } catch (const DataError&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::vector<std::byte> bytes(size);
    std::ranges::copy(std::as_bytes(std::span(data, size)), bytes.begin());
    parse(bytes);
    constexpr size_t header = 104;
    if (size >= header) {
        seal_pack(bytes);
        parse(bytes);
    }
    return 0;
}
