#include "core/file/hash.h"

#include "core/error.h"
#include "core/file/file.h"

#define XXH_STATIC_LINKING_ONLY  // for a state that needs no allocation of its own
#include <xxhash.h>

#include <limits>

namespace hemp {

struct Hash::State {
    XXH3_state_t value;
};

Hash::Hash() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->value); }

Hash::~Hash() = default;

void Hash::add(std::span<const std::byte> bytes) { XXH3_128bits_update(&state_->value, bytes.data(), bytes.size()); }

std::string Hash::hex() const {
    XXH128_hash_t hash = XXH3_128bits_digest(&state_->value);
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string hash_of(std::span<const std::byte> bytes) {
    Hash hash;
    hash.add(bytes);
    return hash.hex();
}

std::string hash_of_file(const std::filesystem::path& path) {
    return hash_of(read_file(path, std::numeric_limits<size_t>::max()));
}

}  // namespace hemp
