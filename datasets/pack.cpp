#include "datasets/pack.h"

#include "core/file/file.h"
#include "core/file/hash.h"
#include "core/file/mapped.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hemp {
namespace {

static_assert(std::endian::native == std::endian::little, "packs are little-endian, and so are their pixels' readers");

constexpr std::string_view magic           = "HEMPPACK";
constexpr uint32_t         version         = 1;
constexpr size_t           checksum_digits = 32;
constexpr size_t           pixel_alignment = 64;
constexpr uint32_t         most_side       = 16384;

// The header, in bytes from the beginning; integers are little-endian.
constexpr size_t version_at      = 8;   // u32
constexpr size_t channels_at     = 12;  // u32
constexpr size_t height_at       = 16;  // u32
constexpr size_t width_at        = 20;  // u32
constexpr size_t images_at       = 24;  // u64
constexpr size_t skipped_size_at = 32;  // u64, bytes of the text after the labels
constexpr size_t key_at          = 40;
constexpr size_t checksum_at     = key_at + pack_key_digits;
constexpr size_t header_bytes    = checksum_at + checksum_digits;

size_t aligned(size_t bytes) { return (bytes + pixel_alignment - 1) / pixel_alignment * pixel_alignment; }

template <class Integer>
Integer read(std::span<const std::byte> bytes, size_t at) {
    Integer value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

template <class Integer>
void write(std::span<std::byte> bytes, size_t at, Integer value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::string text_at(std::span<const std::byte> bytes, size_t at, size_t size) {
    return {reinterpret_cast<const char*>(bytes.data()) + at, size};
}

/// Each reason is its length, u32, and its characters.
Bytes packed_reasons(const std::vector<std::string>& reasons) {
    Bytes packed;
    for (const std::string& reason : reasons) {
        auto size   = static_cast<uint32_t>(reason.size());
        auto length = std::as_bytes(std::span(&size, 1));
        auto text   = std::as_bytes(std::span(reason));
        packed.insert(packed.end(), length.begin(), length.end());
        packed.insert(packed.end(), text.begin(), text.end());
    }
    return packed;
}

std::vector<std::string> reasons_in(std::span<const std::byte> bytes, size_t begin, size_t end,
                                    const std::string& where) {
    std::vector<std::string> reasons;
    for (size_t at = begin; at < end;) {
        size_t left   = end - at;
        size_t length = left < sizeof(uint32_t) ? left : read<uint32_t>(bytes, at);
        if (left < sizeof(uint32_t) || length > left - sizeof(uint32_t)) {
            fail<DataError>(
                "{}: the text at byte {} has {} bytes, but its section ends at byte {}; it has to be made again", where,
                at, length, end);
        }
        reasons.push_back(text_at(bytes, at + sizeof(uint32_t), length));
        at += sizeof(uint32_t) + length;
    }
    return reasons;
}

std::string checksum_of(const std::vector<std::span<const std::byte>>& pieces) {
    Hash hash;
    hash.add(pieces[0].first(checksum_at));
    hash.add(pieces[0].subspan(header_bytes));
    for (size_t i = 1; i < pieces.size(); ++i) {
        hash.add(pieces[i]);
    }
    return hash.hex();
}

void write_text(std::span<std::byte> bytes, size_t at, std::string_view text) {
    std::memcpy(bytes.data() + at, text.data(), text.size());
}

}  // namespace

void write_pack(const std::filesystem::path& path, const std::string& key, const Pack& pack) {
    expect(key.size() == pack_key_digits, "pack: the key has {} characters, not {}", key.size(), pack_key_digits);
    const Shape& shape   = pack.images.shape();
    Bytes        reasons = packed_reasons(pack.skipped);
    size_t       text_at = header_bytes + pack.labels.bytes();
    Bytes        head(aligned(text_at + reasons.size()));
    write_text(head, 0, magic);
    write(head, version_at, version);
    write(head, channels_at, static_cast<uint32_t>(shape[1]));
    write(head, height_at, static_cast<uint32_t>(shape[2]));
    write(head, width_at, static_cast<uint32_t>(shape[3]));
    write(head, images_at, static_cast<uint64_t>(shape[0]));
    write(head, skipped_size_at, static_cast<uint64_t>(reasons.size()));
    write_text(head, key_at, key);
    std::memcpy(head.data() + header_bytes, pack.labels.memory(), pack.labels.bytes());
    std::ranges::copy(reasons, head.begin() + static_cast<std::ptrdiff_t>(text_at));

    std::vector<std::span<const std::byte>> pieces{head};
    for (int64_t i = 0; i < shape[0]; ++i) {
        std::span<const std::byte> image = std::as_bytes(pack.images.bytes_of(i));
        std::span<const std::byte> last  = pieces.back();
        if (pieces.size() > 1 && last.data() + last.size() == image.data()) {
            pieces.back() = {last.data(), last.size() + image.size()};
        } else {
            pieces.push_back(image);
        }
    }
    write_text(head, checksum_at, checksum_of(pieces));
    write_file_atomically(path, pieces);
}

PackLayout parse_pack(std::span<const std::byte> bytes, const std::string& where) {
    if (bytes.size() < header_bytes) {
        fail<DataError>("{}: has {} bytes, a pack has at least {}; it has to be made again", where, bytes.size(),
                        header_bytes);
    }
    if (text_at(bytes, 0, magic.size()) != magic) {
        fail<DataError>("{}: does not begin with {}, so it is no pack; it has to be made again", where, magic);
    }
    auto found_version = read<uint32_t>(bytes, version_at);
    if (found_version != version) {
        fail<DataError>("{}: is a pack of version {}, expected {}; it has to be made again", where, found_version,
                        version);
    }
    auto channels = read<uint32_t>(bytes, channels_at);
    auto height   = read<uint32_t>(bytes, height_at);
    auto width    = read<uint32_t>(bytes, width_at);
    if ((channels != 1 && channels != 3) || height < 1 || height > most_side || width < 1 || width > most_side) {
        fail<DataError>(
            "{}: images of [{}, {}, {}] from byte {} on, expected 1 or 3 channels and sides of 1 to {}; it has to be "
            "made again",
            where, channels, height, width, channels_at, most_side);
    }
    auto   images       = read<uint64_t>(bytes, images_at);
    auto   skipped_size = read<uint64_t>(bytes, skipped_size_at);
    size_t left         = bytes.size() - header_bytes;
    size_t image_bytes  = size_t{channels} * height * width;
    // First each number by itself, so that their sum cannot overflow.
    bool   fits      = images <= left / (image_bytes + sizeof(int32_t)) && skipped_size <= left;
    size_t labels    = fits ? images * sizeof(int32_t) : 0;
    size_t text_end  = header_bytes + labels + (fits ? skipped_size : 0);
    size_t pixels_at = aligned(text_end);
    if (!fits || bytes.size() < pixels_at || bytes.size() - pixels_at != images * image_bytes) {
        fail<DataError>(
            "{}: has {} bytes, which do not fit {} images of [{}, {}, {}] and {} bytes of text; it has to be made "
            "again",
            where, bytes.size(), images, channels, height, width, skipped_size);
    }
    std::string stored   = text_at(bytes, checksum_at, checksum_digits);
    std::string computed = checksum_of({bytes});
    if (stored != computed) {
        fail<DataError>(
            "{}: the checksum at byte {} is {}, but the content has {}: it is damaged; it has to be made again", where,
            checksum_at, stored, computed);
    }
    return {.key       = text_at(bytes, key_at, pack_key_digits),
            .shape     = {static_cast<int64_t>(images), channels, height, width},
            .skipped   = reasons_in(bytes, header_bytes + labels, text_end, where),
            .labels_at = header_bytes,
            .pixels_at = pixels_at};
}

std::optional<Pack> read_pack(const std::filesystem::path& path, const std::string& key, size_t classes) {
    MappedFile                 file = map_file(path);
    std::span<const std::byte> bytes(file.memory.get(), file.size);
    PackLayout                 layout = parse_pack(bytes, path.string());
    if (layout.key != key) {
        return std::nullopt;
    }
    Array labels({{layout.shape[0]}, DType::i32});
    std::memcpy(labels.memory(), bytes.data() + layout.labels_at, labels.bytes());
    for (int32_t label : labels.values<int32_t>()) {
        if (label < 0 || static_cast<size_t>(label) >= classes) {
            fail<DataError>("{}: has label {}, expected 0 to {}; it has to be made again", path.string(), label,
                            classes - 1);
        }
    }
    std::shared_ptr<const uint8_t> pixels(file.memory,
                                          reinterpret_cast<const uint8_t*>(file.memory.get() + layout.pixels_at));
    return Pack{Images(layout.shape, std::move(pixels)), std::move(labels), std::move(layout.skipped)};
}

void seal_pack(std::span<std::byte> bytes) { write_text(bytes, checksum_at, checksum_of({bytes})); }

}  // namespace hemp
