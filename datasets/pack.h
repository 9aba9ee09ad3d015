#pragma once
// The packed cache of an image folder: one file with all decoded images, mapped into memory (docs/data.md has the
// format). It is never trusted: what it was made from, and a checksum over everything, must be right.

#include "datasets/images.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hemp {

struct Pack {
    Images                   images;
    Array                    labels;   ///< i32 [N]
    std::vector<std::string> skipped;  ///< for each image left out, the reason
};

constexpr size_t pack_key_digits = 32;

/// Makes a file of the images, labels and reasons. `key` says what they were made from: 32 characters.
///   throws    as write_file_atomically
void write_pack(const std::filesystem::path& path, const std::string& key, const Pack& pack);

/// What a pack says about itself, and where its parts lie.
struct PackLayout {
    std::string              key;
    Shape                    shape;  ///< [N, C, H, W]
    std::vector<std::string> skipped;
    size_t                   labels_at, pixels_at;  ///< bytes from the beginning
};

/// Reads all but labels and pixels; `where` names the file in errors.
///   throws    DataError unless magic number, version, sizes and checksum agree with the bytes
PackLayout parse_pack(std::span<const std::byte> bytes, const std::string& where);

/// The pack in a file, mapped into memory; nothing if it was made from something else than `key` says.
///   classes   labels must be below
///   throws    Error if it cannot be read; DataError as parse_pack
std::optional<Pack> read_pack(const std::filesystem::path& path, const std::string& key, size_t classes);

/// The checksum that belongs to these bytes of a pack, put in its place.
void seal_pack(std::span<std::byte> bytes);

}  // namespace hemp
