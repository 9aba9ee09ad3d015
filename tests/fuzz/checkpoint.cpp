// Any bytes are a checkpoint or give a DataError. A checksum is not found by chance, so the bytes are also taken as a
// checkpoint's content with the right one: what lies behind the check has to stand by itself.

#include "core/file/checkpoint.h"
#include "core/file/hash.h"

#include <string>

using namespace hemp;

namespace {

void parse(std::span<const std::byte> bytes) {
    try {
        parse_checkpoint(bytes, "input");
    } catch (const DataError&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
    parse(bytes);

    const std::string mark = "\"hemp.checksum\":\"";
    std::string       text(reinterpret_cast<const char*>(data), size);
    size_t            position = text.find(mark);
    if (position != std::string::npos && size - position - mark.size() >= 32) {
        position += mark.size();
        Hash hash;
        hash.add(bytes.first(position));
        hash.add(bytes.subspan(position + 32));
        text.replace(position, 32, hash.hex());
        parse(std::as_bytes(std::span(text)));
    }
    return 0;
}
