#include "cli/command.h"
#include "cli/output.h"
#include "core/file/file.h"
#include "hemp/package.h"

#include <bzlib.h>
#include <fmt/core.h>
#include <lzma.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

namespace hemp {
namespace {

using Text = std::vector<char>;

/// Appends numbers of so many bytes, least significant first as in memory.
void append(Text& text, const void* memory, size_t bytes) {
    const char* begin = static_cast<const char*>(memory);
    text.insert(text.end(), begin, begin + bytes);
}

/// Each tensor's symbols as the shortest integers that hold them all: what a person would hand to xz. What the symbols
/// stand for is not there.
Text symbols_of(const HempFile& file) {
    Text text;
    for (const QuantizedTensor& tensor : file.tensors) {
        auto [low, high] = std::ranges::minmax(tensor.symbols);
        bool byte        = tensor.levels.empty() ? low >= -128 && high <= 127 : high <= 255;
        bool two         = low >= std::numeric_limits<int16_t>::min() && high <= std::numeric_limits<int16_t>::max();
        for (int32_t symbol : tensor.symbols) {
            append(text, &symbol, byte ? 1 : two ? 2 : 4);
        }
    }
    return text;
}

Text floats_of(const HempFile& file) {
    Text text;
    for (const QuantizedTensor& tensor : file.tensors) {
        Array values = dequantize(tensor);
        append(text, values.memory(), static_cast<size_t>(values.bytes()));
    }
    return text;
}

void check_memory(const HempFile& file, const std::string& path, size_t max_memory) {
    constexpr size_t each = 16;  // a weight's symbol, that again as text, its float, and what a coder makes of that
    size_t           all  = 0;
    for (const QuantizedTensor& tensor : file.tensors) {
        all += each * tensor.symbols.size();
    }
    if (all > max_memory) {
        fail<DataError>("{}: to compare it takes {} bytes, more than the limit of {}; {}", path, all, max_memory,
                        raise_limit);
    }
}

uint64_t xz(const Text& text) {
    // As `xz -9e` does, but for a dictionary that is no longer than the text, which changes nothing but the memory.
    lzma_options_lzma options;
    if (lzma_lzma_preset(&options, 9 | LZMA_PRESET_EXTREME)) {
        fail("compare: liblzma has no preset 9e");
    }
    options.dict_size = std::clamp(static_cast<uint32_t>(std::min<size_t>(text.size(), options.dict_size)),
                                   uint32_t{LZMA_DICT_SIZE_MIN}, options.dict_size);
    lzma_filter filters[]{{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
    Text        out(lzma_stream_buffer_bound(text.size()));
    size_t      size = 0;
    lzma_ret    code =
        lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(text.data()),
                                  text.size(), reinterpret_cast<uint8_t*>(out.data()), &size, out.size());
    if (code != LZMA_OK) {
        fail("compare: xz gives up with code {}", static_cast<int>(code));
    }
    return size;
}

uint64_t zstd(const Text& text) {
    Text   out(ZSTD_compressBound(text.size()));
    size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 19);
    if (ZSTD_isError(size)) {
        fail("compare: zstd: {}", ZSTD_getErrorName(size));
    }
    return size;
}

uint64_t bzip2(const Text& text) {
    bz_stream stream{};
    if (BZ2_bzCompressInit(&stream, 9, 0, 0) != BZ_OK) {
        fail("compare: bzip2 cannot begin");
    }
    // The library counts in 32 bits, so it gets and gives pieces.
    constexpr size_t piece = size_t{1} << 20;
    Text             out(piece);
    uint64_t         size = 0;
    size_t           at   = 0;
    int              code = BZ_OK;
    while (code != BZ_STREAM_END) {
        size_t given     = std::min(piece, text.size() - at);
        stream.next_in   = const_cast<char*>(text.data()) + at;  // it only reads
        stream.avail_in  = static_cast<unsigned>(given);
        stream.next_out  = out.data();
        stream.avail_out = static_cast<unsigned>(out.size());
        code             = BZ2_bzCompress(&stream, at + given == text.size() ? BZ_FINISH : BZ_RUN);
        if (code < 0) {
            BZ2_bzCompressEnd(&stream);
            fail("compare: bzip2 gives up with code {}", code);
        }
        at += given - stream.avail_in;
        size += out.size() - stream.avail_out;
    }
    BZ2_bzCompressEnd(&stream);
    return size;
}

struct Coder {
    const char* name;
    uint64_t (*size)(const Text&);
};

constexpr Coder coders[] = {
    {"xz -9e", xz},
    {"zstd -19", zstd},
    {"bzip2 -9", bzip2},
    {"as they are", [](const Text& text) -> uint64_t { return text.size(); }},
};

int compare(const std::vector<std::string>& paths, const Settings& settings) {
    Json results = Json::array();
    for (const std::string& path : paths) {
        std::vector<std::byte> bytes = read_file(path, settings.file_memory());
        HempFile               file  = decode(bytes, path, model_spec, {.max_memory = settings.file_memory()});
        check_memory(file, path, settings.file_memory());
        Text symbols = symbols_of(file), floats = floats_of(file);
        Json result{{"file", path}, {"bytes", bytes.size()}};
        Rows rows{{"", "symbols", "times", "float32", "times"}};
        auto times = [&](uint64_t size) {
            return fmt::format("{:.2f}", static_cast<double>(size) / static_cast<double>(bytes.size()));
        };
        rows.push_back({"hemp, whole file", grouped(bytes.size()), times(bytes.size()), "", ""});
        for (const Coder& coder : coders) {
            uint64_t of_symbols = coder.size(symbols), of_floats = coder.size(floats);
            rows.push_back({coder.name, grouped(of_symbols), times(of_symbols), grouped(of_floats), times(of_floats)});
            result["symbols"][coder.name] = of_symbols;
            result["float32"][coder.name] = of_floats;
        }
        if (settings.json) {
            results.push_back(std::move(result));
            continue;
        }
        fmt::print("{}{}\n", &path == &paths.front() ? "" : "\n", path);
        print_table(rows);
    }
    if (settings.json) {
        print_json(results);
    }
    return 0;
}

}  // namespace

Action add_compare(Command& command) {
    auto paths = std::make_shared<std::vector<std::string>>();
    command.option("FILE", *paths, ".hemp files").required();
    command.footer(
        "\nBytes that xz, zstd and bzip2 make of the same symbols, without what they stand for, and of the\n"
        "same weights as float32; beside them the whole .hemp file.\n");
    return [paths](const Settings& settings) { return compare(*paths, settings); };
}

}  // namespace hemp
