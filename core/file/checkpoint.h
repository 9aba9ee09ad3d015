#pragma once
// A checkpoint is a safetensors file, so that other tools open it, whose metadata holds a checksum of all the rest.

#include "core/file/safetensors.h"

namespace hemp {

using Checkpoint = Safetensors;

/// Writes the checkpoint at `path` so that it is complete or not there at all; the one that was there is kept as
/// `path` + ".previous".
///   throws    as write_safetensors
void save_checkpoint(const std::filesystem::path& path, Checkpoint checkpoint);

/// As much as a run may take unless told otherwise.
constexpr size_t most_checkpoint_bytes = size_t{16} << 30;

/// Throws Error if it cannot be read, DataError if a single bit is not as it was saved or it has more than `max_bytes`.
Checkpoint load_checkpoint(const std::filesystem::path& path, size_t max_bytes = most_checkpoint_bytes);

/// As load_checkpoint, for bytes; `where` names the file in errors.
Checkpoint parse_checkpoint(std::span<const std::byte> bytes, const std::string& where);

struct Loaded {
    Checkpoint  checkpoint;
    std::string warning;  ///< why it is the previous generation; empty if it is the newest
};

/// The checkpoint at `path` or, if that cannot be read, the previous generation.
///   throws    what load_checkpoint throws for `path` if neither can be read
Loaded load_newest_valid(const std::filesystem::path& path, size_t max_bytes = most_checkpoint_bytes);

/// Puts the previous generation into the place of a newest one that is damaged: the next save keeps it, not the damage.
void restore_previous(const std::filesystem::path& path);

}  // namespace hemp
