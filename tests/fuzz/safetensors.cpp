// Any bytes are a safetensors file or give a DataError; what is read can be written and read again.

#include "core/file/safetensors.h"

#include <cstdlib>

using namespace hemp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    try {
        Safetensors content = parse_safetensors(std::as_bytes(std::span(bytes, size)), "input");
        Safetensors again   = parse_safetensors(format_safetensors(content), "output");
        if (again.metadata != content.metadata || again.arrays.size() != content.arrays.size()) {
            std::abort();
        }
        for (const NamedArray& array : content.arrays) {
            const Array* found = again.find(array.name);
            if (found == nullptr || found->type() != array.values.type() ||
                std::memcmp(found->memory(), array.values.memory(), found->bytes()) != 0) {
                std::abort();
            }
        }
    } catch (const DataError&) {
    }
    return 0;
}
