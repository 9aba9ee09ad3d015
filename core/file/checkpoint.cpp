#include "core/file/checkpoint.h"

#include "core/file/hash.h"

#include <algorithm>

namespace hemp {
namespace {

namespace fs = std::filesystem;

constexpr char   key[]           = "hemp.checksum";
constexpr size_t checksum_digits = 32;

/// Where the checksum's digits are. In JSON, a quote within a string has a backslash before it, so nothing but the key
/// itself looks like this.
size_t find_checksum(std::span<const std::byte> bytes, const std::string& where) {
    std::string_view  text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::string mark     = std::string("\"") + key + "\":\"";
    size_t            position = text.find(mark);
    if (position == std::string_view::npos || text.size() - position - mark.size() < checksum_digits) {
        fail<DataError>("{}: has no checksum, so it is no checkpoint or a damaged one; use another", where);
    }
    return position + mark.size();
}

std::string checksum_of_rest(std::span<const std::byte> bytes, size_t position) {
    Hash hash;
    hash.add(bytes.first(position));
    hash.add(bytes.subspan(position + checksum_digits));
    return hash.hex();
}

fs::path previous_of(const fs::path& path) { return path.string() + ".previous"; }

}  // namespace

void save_checkpoint(const fs::path& path, Checkpoint checkpoint) {
    checkpoint.metadata[key] = std::string(checksum_digits, '0');

    Bytes       bytes    = format_safetensors(checkpoint);
    size_t      position = find_checksum(bytes, path.string());
    std::string checksum = checksum_of_rest(bytes, position);
    std::memcpy(bytes.data() + position, checksum.data(), checksum_digits);
    write_file_atomically(path, bytes, previous_of(path));
}

Checkpoint parse_checkpoint(std::span<const std::byte> bytes, const std::string& where) {
    size_t           position = find_checksum(bytes, where);
    std::string_view stored(reinterpret_cast<const char*>(bytes.data()) + position, checksum_digits);
    std::string      computed = checksum_of_rest(bytes, position);
    if (stored != computed) {
        fail<DataError>("{}: the checksum at byte {} is {}, but the content has {}: the file is damaged; use another",
                        where, position, stored, computed);
    }
    Checkpoint checkpoint = parse_safetensors(bytes, where);
    checkpoint.metadata.erase(key);
    return checkpoint;
}

Checkpoint load_checkpoint(const fs::path& path, size_t max_bytes) {
    return parse_checkpoint(read_file(path, max_bytes), path.string());
}

Loaded load_newest_valid(const fs::path& path, size_t max_bytes) {
    try {
        return {load_checkpoint(path, max_bytes), ""};
    } catch (const Error& error) {
        if (!fs::exists(previous_of(path))) {
            throw;
        }
        std::string warning = fmt::format("{}; the previous checkpoint is used instead", error.what());
        try {
            return {load_checkpoint(previous_of(path), max_bytes), warning};
        } catch (const Error& second) {
            fail<DataError>("{}; nor can the previous one be used: {}", error.what(), second.what());
        }
    }
}

void restore_previous(const fs::path& path) { fs::rename(previous_of(path), path); }

}  // namespace hemp
