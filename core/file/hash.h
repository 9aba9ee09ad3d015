#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace hemp {

/// XXH3 with 128 bits: finds accidents (any change by chance, with certainty for all practical purposes), not forgers.
class Hash {
 public:
    Hash();
    ~Hash();

    void add(std::span<const std::byte> bytes);

    /// Of all bytes added so far: 32 hexadecimal digits.
    std::string hex() const;

 private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string hash_of(std::span<const std::byte> bytes);

/// Of a file's content; throws Error if it cannot be read.
std::string hash_of_file(const std::filesystem::path& path);

}  // namespace hemp
