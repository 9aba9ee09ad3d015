#include "datasets/idx.h"

#include "core/file/file.h"

#include <algorithm>
#include <optional>

namespace hemp {
namespace {

namespace fs = std::filesystem;

uint32_t big_endian(std::span<const std::byte> bytes, size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) {
        value = value << 8 | std::to_integer<uint32_t>(bytes[at + i]);
    }
    return value;
}

/// The file of that name, packed or not; some copies of MNIST have a dot before "idx".
std::optional<fs::path> find(const fs::path& folder, const std::string& stem, const std::string& kind) {
    for (const char* separator : {"-", "."}) {
        for (const char* packed : {"", ".gz"}) {
            fs::path path = folder / (stem + separator + kind + packed);
            if (fs::exists(path)) {
                return path;
            }
        }
    }
    return std::nullopt;
}

fs::path find_or_fail(const fs::path& folder, const std::string& stem, const std::string& kind) {
    if (std::optional<fs::path> path = find(folder, stem, kind)) {
        return *path;
    }
    fail("{}: neither {}-{} nor {}-{}.gz is there; put the file into the folder", folder.string(), stem, kind, stem,
         kind);
}

Array read_idx(const fs::path& path, int rank, size_t max_memory) {
    Array array = parse_idx(read_maybe_gzip(path, max_memory), path.string());
    if (array.shape().rank() != rank) {
        fail<DataError>("{}: byte 3 says {} axes, expected {}; is this the file that its name says?", path.string(),
                        array.shape().rank(), rank);
    }
    return array;
}

}  // namespace

Array parse_idx(std::span<const std::byte> bytes, const std::string& where) {
    if (bytes.size() < 4) {
        fail<DataError>("{}: has {} bytes, fewer than IDX's magic number; get the file again", where, bytes.size());
    }
    if (bytes[0] != std::byte{0} || bytes[1] != std::byte{0}) {
        fail<DataError>("{}: begins with bytes {:02x} {:02x}, expected 00 00; this is no IDX file", where,
                        std::to_integer<int>(bytes[0]), std::to_integer<int>(bytes[1]));
    }
    if (bytes[2] != std::byte{8}) {
        fail<DataError>("{}: byte 2 gives element type {:#04x}, expected 0x08 (unsigned bytes); others are unsupported",
                        where, std::to_integer<int>(bytes[2]));
    }
    auto rank = std::to_integer<size_t>(bytes[3]);
    if (rank < 1 || rank > Shape::max_rank) {
        fail<DataError>("{}: byte 3 gives {} axes, expected 1 to {}; get the file again", where, rank, Shape::max_rank);
    }
    size_t header = 4 + 4 * rank;
    if (bytes.size() < header) {
        fail<DataError>("{}: ends at byte {} in the header of {} bytes; get the file again", where, bytes.size(),
                        header);
    }

    size_t               left = bytes.size() - header;
    size_t               size = 1;
    std::vector<int64_t> lengths;
    for (size_t axis = 0; axis < rank; ++axis) {
        size_t at     = 4 + 4 * axis;
        size_t length = big_endian(bytes, at);
        // Comparing with what is really there keeps the product from growing beyond it.
        if (length == 0 || size > left / length) {
            fail<DataError>(
                "{}: bytes {} to {} give axis {} the length {}, which does not fit the {} bytes of values; "
                "get the file again",
                where, at, at + 3, axis, length, left);
        }
        size *= length;
        lengths.push_back(static_cast<int64_t>(length));
    }
    if (size != left) {
        fail<DataError>("{}: {} bytes of values from byte {} on, expected {}; get the file again", where, left, header,
                        size);
    }
    Array array({Shape(lengths), DType::u8});
    std::memcpy(array.memory(), bytes.data() + header, size);
    return array;
}

bool is_mnist(const fs::path& folder) { return find(folder, "train-images", "idx3-ubyte").has_value(); }

Dataset load_mnist(const fs::path& folder, Part part, const LoadOptions& options) {
    std::string stem        = part == Part::train ? "train" : "t10k";
    fs::path    images_path = find_or_fail(folder, stem + "-images", "idx3-ubyte");
    fs::path    labels_path = find_or_fail(folder, stem + "-labels", "idx1-ubyte");
    Array       images      = read_idx(images_path, 3, options.max_memory);
    Array       bytes       = read_idx(labels_path, 1, options.max_memory);
    int64_t     count       = images.shape()[0];
    if (bytes.size() != count) {
        fail<DataError>("{}: has {} labels, but {} has {} images; get both files again", labels_path.string(),
                        bytes.size(), images_path.string(), count);
    }

    Array grey({{count, 1, images.shape()[1], images.shape()[2]}, DType::u8});
    std::memcpy(grey.memory(), images.memory(), images.bytes());
    Dataset dataset{.name    = "mnist",
                    .images  = Images(std::move(grey)),
                    .labels  = Array({{count}, DType::i32}),
                    .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
                    .skipped = {}};
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
        uint8_t label = bytes.values<uint8_t>()[i];
        if (label >= dataset.classes.size()) {
            fail<DataError>("{}: label {} (byte {} of the unpacked file) is {}, expected 0 to 9; get the file again",
                            labels_path.string(), i, 8 + i, label);
        }
        dataset.labels.values<int32_t>()[i] = label;
    }
    return dataset;
}

}  // namespace hemp
