// Any bytes as a .hemp file. The checksums are made good again, or the fuzzer would never get past them.

#include "hemp/file.h"
#include "tests/hemp/sample_files.h"

#include <zlib.h>

#include <cstdlib>
#include <cstring>

using namespace hemp;

namespace {

void seal(std::vector<std::byte>& bytes, size_t begin, size_t end) {
    auto check = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data() + begin), end - begin));
    for (size_t i = 0; i < 4; ++i) {
        bytes[end + i] = static_cast<std::byte>(check >> (8 * i));
    }
}

/// The first two bytes say where the header ends; wrong guesses stay wrong checksums, which is worth testing as well.
std::vector<std::byte> sealed(const uint8_t* data, size_t size) {
    size_t                 header = data[0] | static_cast<size_t>(data[1]) << 8;
    auto                   begin  = reinterpret_cast<const std::byte*>(data + 2);
    std::vector<std::byte> bytes(begin, begin + size - 2);
    if (bytes.size() >= 8 && header <= bytes.size() - 8) {
        seal(bytes, 0, header);
        seal(bytes, header + 4, bytes.size() - 4);
    }
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) {
        return 0;
    }
    std::vector<std::byte> bytes = sealed(data, size);
    try {
        HempFile file = decode(bytes, "fuzz", sample_model, {.max_memory = (uint64_t{1} << 24) + (1 << 20)});
        // What decodes is legal, so it can be written, and read again it is the same.
        HempFile again = decode(encode(file, sample_model), "again", sample_model);
        if (again.tensors.size() != file.tensors.size()) {
            std::abort();
        }
        for (size_t i = 0; i < file.tensors.size(); ++i) {
            Array a = dequantize(file.tensors[i]);
            Array b = dequantize(again.tensors[i]);
            if (std::memcmp(a.memory(), b.memory(), a.bytes()) != 0) {
                std::abort();
            }
        }
    } catch (const DataError&) {
    }
    return 0;
}
