// Any bytes are an IDX file or give a DataError.

#include "datasets/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    try {
        hemp::parse_idx(std::as_bytes(std::span(bytes, size)), "input");
    } catch (const hemp::DataError&) {
    }
    return 0;
}
