#pragma once
// A checkpoint is a safetensors file, so that other tools open it, whose metadata holds a checksum of all the rest.

#include "core/file/safetensors.h"

namespace hemp {

using Checkpoint = Safetensors;

/// Writes the checkpoint at `path` so that it is complete or not there at all; the one that was there is kept as
/// `path` + ".previous".
///   throws    as write_safetensors
void save_checkpoint(const std::filesystem::path& path, Checkpoint checkpoint);

/// Throws Error if it cannot be read, DataError if a single bit is not as it was saved.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// As load_checkpoint, for bytes; `where` names the file in errors.
Checkpoint parse_checkpoint(std::span<const std::byte> bytes, const std::string& where);

struct Loaded {
    Checkpoint  checkpoint;
    std::string warning;  ///< why it is the previous generation; empty if it is the newest
};

/// The checkpoint at `path` or, if that cannot be read, the previous generation.
///   throws    what load_checkpoint throws for `path` if neither can be read
Loaded load_newest_valid(const std::filesystem::path& path);

}  // namespace hemp
