#include "hemp/file.h"

#include "core/run/team.h"
#include "hemp/header.h"
#include "hemp/quantizer.h"
#include "hemp/weight_coder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>

namespace hemp {
namespace {

const char* name_of(QuantizerKind kind) {
    switch (kind) {
        case QuantizerKind::zeros: return "zeros";
        case QuantizerKind::uniform: return "uniform";
        case QuantizerKind::progression: return "progression";
        case QuantizerKind::symmetric: return "symmetric";
        case QuantizerKind::levels: return "levels";
    }
    return "";
}

void check(const QuantizedTensor& tensor) {
    auto refuse = [&](std::string_view what) { fail<UsageError>("hemp file: tensor \"{}\": {}", tensor.name, what); };
    if (tensor.shape.size() < 1 || static_cast<uint64_t>(tensor.shape.size()) > most_elements) {
        refuse(fmt::format("shape {} has no elements or more than 2^31", tensor.shape));
    }
    if (static_cast<int64_t>(tensor.symbols.size()) != tensor.shape.size()) {
        refuse(fmt::format("{} symbols for shape {}", tensor.symbols.size(), tensor.shape));
    }
    if (tensor.levels.size() > most_levels) {
        refuse(fmt::format("{} levels, at most {} are allowed", tensor.levels.size(), most_levels));
    }
    for (size_t i = 0; i < tensor.levels.size(); ++i) {
        if (!std::isfinite(tensor.levels[i]) || (i > 0 && !(tensor.levels[i] > tensor.levels[i - 1]))) {
            refuse("its levels are not finite or do not increase");
        }
    }
    if (tensor.levels.empty() && !(std::isfinite(tensor.step) && tensor.step > 0)) {
        refuse(fmt::format("the step is {}, it must be finite and above 0", tensor.step));
    }
    int64_t least = tensor.levels.empty() ? -most_symbol : 0;
    int64_t most  = tensor.levels.empty() ? most_symbol : static_cast<int64_t>(tensor.levels.size()) - 1;
    for (int32_t symbol : tensor.symbols) {
        if (symbol < least || symbol > most) {
            refuse(fmt::format("the symbol {} is outside of {} to {}", symbol, least, most));
        }
    }
}

/// Tensors whose codes are one arithmetic code.
struct Part {
    size_t   first = 0, end = 0;  ///< tensors
    uint64_t at    = 0;           ///< of its code in the codes
    uint64_t bytes = 0;
};

std::vector<Part> parts_of(const Header& header) {
    std::vector<Part> parts{{}};
    for (size_t i = 0; i < header.tensors.size(); ++i) {
        if (header.tensors[i].begins_part) {
            parts.push_back({.first = i, .end = i, .at = parts.back().at + parts.back().bytes});
        }
        parts.back().end = i + 1;
        parts.back().bytes += header.tensors[i].code_bytes;
    }
    return parts;
}

/// Of a file whose header is good: sizes and checksum of the rest, limits of memory.
std::span<const std::byte> checked_codes(std::span<const std::byte> bytes, const Header& header,
                                         std::string_view file) {
    uint64_t codes = header.code_bytes();
    uint64_t rest  = bytes.size() - header.bytes;
    if (rest != codes + 4) {
        fail<DataError>("{}: codes at byte {}: {} bytes follow, expected {} of codes and 4 of CRC-32; the file is {}",
                        file, header.bytes, rest, codes, rest < codes + 4 ? "truncated" : "followed by something else");
    }
    std::span<const std::byte> code     = bytes.subspan(header.bytes, codes);
    std::span<const std::byte> check    = bytes.last(4);
    uint32_t                   found    = 0;
    uint32_t                   computed = crc32_of(code);
    for (int i = 0; i < 4; ++i) {
        found |= static_cast<uint32_t>(check[static_cast<size_t>(i)]) << (8 * i);
    }
    if (found != computed) {
        fail<DataError>(
            "{}: codes check at byte {}: CRC-32 {:#010x}, computed {:#010x}; the file is damaged, get it again", file,
            bytes.size() - 4, found, computed);
    }
    for (const Part& part : parts_of(header)) {
        if (uint64_t end = part.at + part.bytes; part.bytes > 0 && code[end - 1] == std::byte{0}) {
            fail<DataError>(
                "{}: codes at byte {}: the last byte is 0, which no writer leaves; the file is damaged, get it again",
                file, header.bytes + end - 1);
        }
    }
    return code;
}

constexpr uint64_t most_decoders = 4;  // at a time, for each needs memory

/// All symbols, and the values of the largest tensor: a caller turns one tensor after another into values, and each
/// takes the place of its symbols.
uint64_t memory_of(const Header& header) {
    uint64_t largest = 0;
    for (const TensorEntry& entry : header.tensors) {
        largest = std::max(largest, static_cast<uint64_t>(entry.shape.size()));
    }
    uint64_t decoders = std::min<uint64_t>(parts_of(header).size(), most_decoders);
    return 4 * header.weights() + 4 * largest + decoders * WeightDecoder::memory;
}

void check_expansion(std::span<const std::byte> bytes, const Header& header, std::string_view file) {
    uint64_t decoded = 4 * header.weights();
    uint64_t allowed = 1 + (uint64_t{bytes.size()} << 20);
    if (decoded > allowed) {
        fail<DataError>(
            "{}: header: {} bytes decode to {}, at most {} are allowed; the file is damaged or made to harm", file,
            bytes.size(), decoded, allowed);
    }
}

/// Symbols as the coder wants them: 0 for the level closest to zero.
void move_symbols(std::vector<int32_t>& symbols, int32_t by) {
    if (by != 0) {
        for (int32_t& symbol : symbols) {
            symbol += by;
        }
    }
}

/// The codes, part after part, and how many bytes of them are each tensor's.
class CodeWriter {
 public:
    explicit CodeWriter(std::vector<TensorEntry>& entries) : entries_(entries) {}

    uint64_t                      bytes_of_part() const { return encoder_.bytes(); }
    const std::vector<std::byte>& bytes() const { return bytes_; }

    /// The next tensor that has a code.
    void add(size_t entry, std::span<const int32_t> symbols) {
        encoder_.add(entries_[entry].shape, symbols);
        ends_.emplace_back(entry, encoder_.bytes());
    }

    void end_part() {
        std::vector<std::byte> codes = encoder_.finish();
        size_t                 begin = 0;
        for (auto [entry, end] : ends_) {
            entries_[entry].code_bytes = std::min(end, codes.size()) - begin;
            begin                      = std::min(end, codes.size());
        }
        if (!ends_.empty()) {  // bytes that ended up settled only at the end belong to the last tensor
            entries_[ends_.back().first].code_bytes += codes.size() - begin;
        }
        bytes_.insert(bytes_.end(), codes.begin(), codes.end());
        encoder_ = WeightEncoder();
        ends_.clear();
    }

 private:
    std::vector<TensorEntry>&              entries_;
    std::vector<std::byte>                 bytes_;
    WeightEncoder                          encoder_;
    std::vector<std::pair<size_t, size_t>> ends_;  // tensors of the part, and the bytes it had after each
};

/// Fills in the part's tensors.
void decode_part(const Part& part, std::span<const std::byte> codes, Header& header, std::string_view file_name,
                 std::span<QuantizedTensor> tensors) {
    std::span<const std::byte> code = codes.subspan(part.at, part.bytes);
    WeightDecoder              decoder(code);
    uint64_t                   end  = 0;
    size_t                     last = part.first;  // that has a code: what the coder leaves unsettled is its
    for (size_t i = part.first; i < part.end; ++i) {
        last = header.tensors[i].quantizer.kind != QuantizerKind::zeros ? i : last;
    }
    for (size_t i = part.first; i < part.end; ++i) {
        TensorEntry&     entry  = header.tensors[i];
        QuantizedTensor& tensor = tensors[i];
        tensor.name             = std::move(entry.name);
        tensor.shape            = entry.shape;
        tensor.step             = entry.quantizer.kind == QuantizerKind::uniform ? entry.quantizer.step : 1;
        tensor.levels           = entry.quantizer.levels;
        tensor.symbols.resize(static_cast<size_t>(tensor.shape.size()));
        if (entry.quantizer.kind == QuantizerKind::zeros) {
            continue;
        }
        auto damaged = [&](std::string_view what) {
            fail<DataError>("{}: codes from byte {}: tensor {}: {}; the file is damaged, get it again", file_name,
                            header.bytes + part.at + end, tensor.name, what);
        };
        if (!decoder.read(tensor.shape, tensor.symbols)) {
            damaged("a symbol is outside of +-2^30");
        }
        if (!tensor.levels.empty()) {
            move_symbols(tensor.symbols, zero_symbol(entry.quantizer.levels));
            auto most = static_cast<int32_t>(tensor.levels.size());
            if (std::any_of(tensor.symbols.begin(), tensor.symbols.end(),
                            [&](int32_t s) { return s < 0 || s >= most; })) {
                damaged(fmt::format("a symbol is outside of its {} levels", most));
            }
        }
        uint64_t begin = end;
        end += entry.code_bytes;
        if (i != last && end != std::min<uint64_t>(decoder.shifts(), code.size())) {
            damaged(
                fmt::format("its code has {} bytes, the header says {}", decoder.shifts() - begin, entry.code_bytes));
        }
    }
    constexpr uint64_t unsettled = 4;
    if (code.size() > decoder.shifts() + unsettled) {
        fail<DataError>(
            "{}: codes from byte {}: {} bytes are read, but there are {}; the file is damaged, get it again", file_name,
            header.bytes + part.at, decoder.shifts() + unsettled, code.size());
    }
}

}  // namespace

std::vector<std::byte> encode(const HempFile& file, const Registry& registry, const EncodeOptions& options) {
    std::shared_ptr<const ModelSpec> spec = file.model.empty() || !registry ? nullptr : registry(file.model);
    if (!file.model.empty() && spec == nullptr) {
        fail<UsageError>("hemp file: the model \"{}\" is not registered", file.model);
    }
    Header     header{.model = file.model, .mean = file.mean, .std = file.std, .classes = file.classes, .tensors = {}};
    CodeWriter codes(header.tensors);
    for (const QuantizedTensor& given : file.tensors) {
        check(given);
        QuantizedTensor tensor = canonical(given);
        header.tensors.push_back({.name = tensor.name, .shape = tensor.shape, .quantizer = quantizer_entry(tensor)});
        TensorEntry& entry = header.tensors.back();
        if (entry.quantizer.kind != QuantizerKind::zeros) {
            move_symbols(tensor.symbols, -zero_symbol(entry.quantizer.levels));
            if (tensor.shape.rank() >= 2 && codes.bytes_of_part() >= std::max(options.part_bytes, uint64_t{1})) {
                codes.end_part();
                entry.begins_part = true;
            }
            codes.add(header.tensors.size() - 1, tensor.symbols);
        }
    }
    codes.end_part();
    std::vector<std::byte> bytes = write_header(header, spec.get());
    bytes.insert(bytes.end(), codes.bytes().begin(), codes.bytes().end());
    uint32_t check = crc32_of(codes.bytes());
    for (int i = 0; i < 4; ++i) {
        bytes.push_back(static_cast<std::byte>(check >> (8 * i) & 0xFF));
    }
    return bytes;
}

HempFile decode(std::span<const std::byte> bytes, std::string_view file_name, const Registry& registry,
                const DecodeLimits& limits) {
    Header header = read_header(bytes, file_name, registry);
    check_expansion(bytes, header, file_name);
    std::span<const std::byte> codes = checked_codes(bytes, header, file_name);
    if (memory_of(header) > limits.max_memory) {
        fail<DataError>("{}: header: decoding takes {} bytes of memory, {} are allowed; allow more with --max-memory",
                        file_name, memory_of(header), limits.max_memory);
    }

    HempFile                file{.model   = std::move(header.model),
                                 .mean    = std::move(header.mean),
                                 .std     = std::move(header.std),
                                 .classes = std::move(header.classes),
                                 .tensors = std::vector<QuantizedTensor>(header.tensors.size())};
    const std::vector<Part> parts = parts_of(header);
    std::mutex              mutex;  // of the failure
    std::exception_ptr      failure;
    std::atomic<size_t>     next{0}, failed{parts.size()};  // the first part that is damaged, as far as known
    auto                    decode_parts = [&](int) {
        for (size_t i = next++; i < failed; i = next++) {
            try {
                decode_part(parts[i], codes, header, file_name, file.tensors);
            } catch (...) {
                std::lock_guard lock(mutex);
                if (i < failed) {
                    failed  = i;
                    failure = std::current_exception();
                }
            }
        }
    };
    auto threads = std::min({static_cast<uint64_t>(default_threads()), parts.size(), most_decoders});
    run_team(static_cast<int>(threads), decode_parts);
    if (failure) {
        std::rethrow_exception(failure);
    }
    return file;
}

FileSummary summarize(std::span<const std::byte> bytes, std::string_view file_name, const Registry& registry) {
    Header header = read_header(bytes, file_name, registry);
    check_expansion(bytes, header, file_name);
    std::span<const std::byte> codes = checked_codes(bytes, header, file_name);

    FileSummary summary;
    summary.version = format_version;
    summary.coder   = format_coder;
    summary.bytes   = bytes.size();
    summary.weights = header.weights();
    summary.memory  = memory_of(header);
    uint64_t listed =
        header.model_bytes + header.input_bytes + header.classes_bytes + header.names_bytes + header.quantizers_bytes;
    summary.parts = {{"frame", header.bytes - listed + 4},  // magic, version, coder, flags, both checks
                     {"model", header.model_bytes},           {"normalisation", header.input_bytes},
                     {"classes", header.classes_bytes},       {"names and shapes", header.names_bytes},
                     {"quantizers", header.quantizers_bytes}, {"codes", codes.size()}};
    for (const TensorEntry& entry : header.tensors) {
        const QuantizerEntry& quantizer = entry.quantizer;
        bool has_step = quantizer.kind == QuantizerKind::uniform || quantizer.kind == QuantizerKind::progression;
        summary.tensors.push_back(
            {.name       = entry.name,
             .shape      = entry.shape,
             .quantizer  = name_of(quantizer.kind),
             .levels     = quantizer.kind == QuantizerKind::zeros ? 1 : static_cast<int64_t>(quantizer.levels.size()),
             .step       = has_step ? quantizer.step : 0,
             .side_bytes = entry.side_bytes,
             .code_bytes = entry.code_bytes});
    }
    summary.model = std::move(header.model);
    return summary;
}

}  // namespace hemp
