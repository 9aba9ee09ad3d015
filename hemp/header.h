#pragma once
// The part of a .hemp file before its codes (docs/format.md, sections 1 to 4), read and written.

#include "hemp/file.h"

namespace hemp {

enum class QuantizerKind : uint8_t { zeros, uniform, progression, symmetric, levels };

/// How a tensor's symbols become values, as the file says it.
struct QuantizerEntry {
    QuantizerKind      kind = QuantizerKind::zeros;
    float              step = 1;  ///< kinds uniform and progression
    std::vector<float> levels;    ///< of the last three kinds
    int64_t            first = 0;
    int64_t            gap   = 0;
};

struct TensorEntry {
    std::string    name;
    Shape          shape;
    QuantizerEntry quantizer;
    bool           begins_part = false;  ///< it is coded without what the tensors before it taught
    uint64_t       code_bytes  = 0;
    uint64_t       side_bytes  = 0;
};

struct Header {
    std::string              model;
    std::vector<float>       mean;
    std::vector<float>       std;
    std::vector<std::string> classes;
    std::vector<TensorEntry> tensors;

    uint64_t bytes            = 0;  ///< with its checksum
    uint64_t model_bytes      = 0;
    uint64_t input_bytes      = 0;  ///< normalisation
    uint64_t classes_bytes    = 0;
    uint64_t names_bytes      = 0;  ///< names and shapes
    uint64_t quantizers_bytes = 0;

    uint64_t weights() const;
    uint64_t code_bytes() const;
};

constexpr int      format_version = 1;
constexpr int      format_coder   = 0;
constexpr uint64_t most_tensors   = 65536;
constexpr uint64_t most_channels  = 4096;
constexpr uint64_t most_classes   = 65536;
constexpr uint64_t most_elements  = uint64_t{1} << 31;
constexpr uint64_t most_header    = uint64_t{1} << 24;
constexpr int64_t  most_factor    = int64_t{1} << 24;  ///< integers that binary32 holds exactly

/// The cheapest entry of a canonical tensor.
QuantizerEntry quantizer_entry(const QuantizedTensor& tensor);

/// `spec`: of header.model, null where that is empty. throws UsageError where a limit of the format is broken.
std::vector<std::byte> write_header(const Header& header, const ModelSpec* spec);

/// Verified: structure, limits, checksum.
Header read_header(std::span<const std::byte> bytes, std::string_view file_name, const Registry& registry);

uint32_t crc32_of(std::span<const std::byte> bytes);

}  // namespace hemp
