#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

namespace hemp {

/// A file's content as memory that is read from the disk when it is touched. It stays as it is when the file is
/// replaced or removed (but not when another program changes it in place).
struct MappedFile {
    std::shared_ptr<const std::byte> memory;
    size_t                           size = 0;
};

/// Throws Error if the file cannot be opened or mapped.
MappedFile map_file(const std::filesystem::path& path);

/// Memory of `size` bytes, at least one, that lies in a file without a name in `folder`: for what need not fit into
/// real memory. The disk's space is taken at once.
/// Throws Error if the file cannot be made, as when the disk is full.
std::shared_ptr<std::byte> map_scratch(const std::filesystem::path& folder, size_t size);

}  // namespace hemp
