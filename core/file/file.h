#pragma once
// Whole files in and out. A failed write leaves the old file as it was and no temporary file behind.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace hemp {

using Bytes = std::vector<std::byte>;

/// What to do about a file that is too large, where people set the limit and where they do not.
inline constexpr std::string_view raise_limit = "raise the limit (--max-memory) if this is meant";
inline constexpr std::string_view wrong_file  = "no file of this kind is as long; is it the right one?";

/// `path` + ".tmp-PROCESS-NUMBER", another one at each call.
std::filesystem::path temporary_name(const std::filesystem::path& path);

/// What a person can do about an error of the system (errno) with a file.
std::string_view what_to_do(int error);

/// The bytes of a file.
///   throws    Error if it cannot be opened or read, DataError with the remedy if it has more than `max_bytes`
Bytes read_file(const std::filesystem::path& path, size_t max_bytes, std::string_view remedy = raise_limit);

/// The bytes of a file, unpacked if they begin with gzip's magic number.
///   throws    as read_file; DataError if the gzip stream is cut off, damaged, followed by other bytes, or unpacks to
///             more than `max_bytes` or than it says itself (so streams of 4 GiB and more)
Bytes read_maybe_gzip(const std::filesystem::path& path, size_t max_bytes);

/// Makes `bytes` the content of the file at `path`, which is at any moment, even after a crash or a power cut, either
/// the old file or the complete new one. With `previous`, the old file gets that name (in the same folder); a crash
/// between the two renamings then leaves the old file under `previous` alone. Temporary files that killed processes
/// left beside this file are removed.
///   throws    Error naming the path, the failed step and its cause
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes,
                           const std::filesystem::path& previous = {});

/// As above, with the content in pieces that lie apart in memory.
void write_file_atomically(const std::filesystem::path& path, const std::vector<std::span<const std::byte>>& pieces,
                           const std::filesystem::path& previous = {});

/// Throws as write_file_atomically does where no file can be written at `path`; leaves nothing there.
void check_writable(const std::filesystem::path& path);

}  // namespace hemp
