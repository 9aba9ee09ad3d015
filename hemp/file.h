#pragma once
// The .hemp file: docs/format.md is its definition. A file is data, never a program, and every load verifies all of it.

#include "core/error.h"
#include "hemp/quantized.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hemp {

/// A file of a later version or with a feature that this program does not know: perhaps not damaged at all.
class NewerFileError : public DataError {
 public:
    using DataError::DataError;
};

/// What a file need not say of a model that is registered or described. Part of the format: it never changes once files
/// exist.
struct ModelSpec {
    std::string                                name;     ///< or its description, which begins with '{'
    std::vector<std::pair<std::string, Shape>> tensors;  ///< in the order of the file
    std::vector<float>                         mean;     ///< input normalisation, one a channel; empty: none
    std::vector<float>                         std;
    std::vector<std::string>                   classes;
};

/// The model of that name or description; null where the name is unknown, DataError where the description is no good.
using Registry = std::function<std::shared_ptr<const ModelSpec>(std::string_view name)>;

struct HempFile {
    std::string                  model;  ///< a name of the registry, a description, or empty
    std::vector<float>           mean;   ///< of each input channel; empty: inputs are taken as they are
    std::vector<float>           std;    ///< as many
    std::vector<std::string>     classes;
    std::vector<QuantizedTensor> tensors;
};

struct DecodeLimits {
    uint64_t max_memory = uint64_t{1} << 30;  ///< bytes that decoding, tensor by tensor to values, may take
};

/// The same values in the form that a file holds, to the bit: a codebook loses the levels that no weight has and
/// becomes uniform where its levels are small multiples of one step; the step of a tensor of zeros is 1.
QuantizedTensor canonical(QuantizedTensor tensor);

/// What every name in a file is: well-formed UTF-8 (no overlong forms, no surrogates) without control characters.
bool is_printable_utf8(std::string_view text);

constexpr size_t most_name = 255;  ///< bytes of a name in a file

struct EncodeOptions {
    /// A matrix begins a new part of the codes once a part has so many bytes. Parts are decoded side by side; each
    /// learns anew, which takes a few hundred bytes.
    uint64_t part_bytes = uint64_t{1} << 19;
};

/// The bytes of the file; the same input gives the same bytes on every machine.
/// throws    UsageError where a field breaks a limit of the format or the registry does not know the model
std::vector<std::byte> encode(const HempFile& file, const Registry& registry, const EncodeOptions& options = {});

/// Verifies and decodes, several parts by several threads: as many as is usual, at most four. Gives back what was
/// encoded, tensors in their canonical form. `file_name` is for messages.
///   throws    NewerFileError; DataError for all damage and for files above the limits, before anything large is
///             allocated
HempFile decode(std::span<const std::byte> bytes, std::string_view file_name, const Registry& registry,
                const DecodeLimits& limits = {});

struct TensorSummary {
    std::string name;
    Shape       shape;
    std::string quantizer;       ///< "zeros", "uniform", "progression", "symmetric" or "levels"
    int64_t     levels     = 0;  ///< of the codebook; 0 if uniform, 1 if zeros
    float       step       = 0;  ///< 0 where the quantizer has none
    uint64_t    side_bytes = 0;  ///< name, shape, quantizer
    uint64_t    code_bytes = 0;

    uint64_t bytes() const { return side_bytes + code_bytes; }
};

struct FileSummary {
    int                                           version = 0;
    int                                           coder   = 0;
    std::string                                   model;
    uint64_t                                      bytes   = 0;  ///< the whole file
    uint64_t                                      weights = 0;  ///< elements of all tensors
    uint64_t                                      memory  = 0;  ///< bytes that decoding takes, of symbols and values
    std::vector<std::pair<std::string, uint64_t>> parts;        ///< bytes by part; they add up to the whole file
    std::vector<TensorSummary>                    tensors;
};

/// What a file holds, verified by its checksums but without decoding a weight.
FileSummary summarize(std::span<const std::byte> bytes, std::string_view file_name, const Registry& registry);

}  // namespace hemp
