#pragma once
// A second decoder of .hemp files, written from docs/format.md alone, section by section, as plainly as can be. It uses
// nothing of the library but the types of its result, is slow, and believes its input but for the checksums.

#include "hemp/file.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace hemp {

struct PlainTensor {
    std::string          name;
    std::vector<int64_t> shape;
    std::vector<float>   values;
};

struct PlainFile {
    std::string              model;
    std::vector<float>       mean;
    std::vector<float>       std;
    std::vector<std::string> classes;
    std::vector<PlainTensor> tensors;
};

/// throws std::runtime_error where a checksum is wrong
PlainFile plain_decode(std::span<const std::byte> bytes, const Registry& registry);

}  // namespace hemp
