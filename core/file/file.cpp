#include "core/file/file.h"

#include "core/error.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

namespace hemp {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_to(std::string_view act, const fs::path& path, std::string_view call, int error) {
    fail("{}: cannot be {}, {} says \"{}\"; {}", path.string(), act, call, std::generic_category().message(error),
         what_to_do(error));
}

/// An open file, closed on every way out.
class Descriptor {
 public:
    Descriptor(const fs::path& path, int flags, mode_t mode = 0) {
        do {
            number_ = ::open(path.c_str(), flags | O_CLOEXEC, mode);
        } while (number_ < 0 && errno == EINTR);
    }
    Descriptor(const Descriptor&)            = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }

    int number() const { return number_; }

    /// False, with errno set, if the system could not keep what was written. The number is free again in any case,
    /// after an interruption too (on Linux), so that is no failure.
    bool close() {
        int number = number_;
        number_    = -1;
        return number < 0 || ::close(number) == 0 || errno == EINTR;
    }

 private:
    int number_;
};

/// Removes a file on every way out, until told that it is no longer there.
class Temporary {
 public:
    explicit Temporary(fs::path path) : path_(std::move(path)) {}
    Temporary(const Temporary&)            = delete;
    Temporary& operator=(const Temporary&) = delete;
    ~Temporary() {
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }
    void release() { path_.clear(); }

 private:
    fs::path path_;
};

bool synchronise(int descriptor) {
    while (::fsync(descriptor) != 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : "."; }

/// Without this, a power cut can undo a rename.
void synchronise_folder_of(const fs::path& path) {
    Descriptor descriptor(folder_of(path), O_RDONLY | O_DIRECTORY);
    if (descriptor.number() < 0) {
        fail_to("written", path, "open of its folder", errno);
    }
    // Some file systems cannot synchronise a folder and say so with EINVAL; they keep the order by other means.
    if (!synchronise(descriptor.number()) && errno != EINVAL) {
        fail_to("written", path, "fsync of its folder", errno);
    }
}

/// The file that `path` means, with symbolic links followed, so that a link stays a link: also one whose file is still
/// to be made.
fs::path target_of(const fs::path& path) {
    constexpr int most_links = 40;  // as many as Linux follows
    auto          refuse     = [&] {
        fail("{}: cannot be written, it is a folder, a pipe or a device; name a file", path.string());
    };
    fs::path        target = path;
    std::error_code ignored;
    for (int links = 0; fs::is_symlink(fs::symlink_status(target, ignored)); ++links) {
        if (links == most_links) {
            fail_to("written", path, "readlink", ELOOP);
        }
        fs::path folder = fs::canonical(folder_of(target));
        // What /proc calls a link is an open file, which may have no name (/dev/stdout leads there).
        if (folder.native().starts_with("/proc/")) {
            refuse();
        }
        target = folder / fs::read_symlink(target);
    }
    if (fs::exists(fs::status(target, ignored)) && !fs::is_regular_file(target, ignored)) {
        refuse();
    }
    return target;
}

constexpr std::string_view temporary_mark = ".tmp-";

/// The process that a temporary file of `target` was made by; 0 if `name` is none.
pid_t writer_of(const std::string& name, const std::string& target) {
    const std::string prefix = target + std::string(temporary_mark);
    if (!name.starts_with(prefix)) {
        return 0;
    }
    const char* end        = name.data() + name.size();
    pid_t       process    = 0;
    unsigned    number     = 0;
    auto [dash, no_digits] = std::from_chars(name.data() + prefix.size(), end, process);
    if (no_digits != std::errc() || dash == end || *dash != '-' || process <= 0) {
        return 0;
    }
    auto [rest, no_number] = std::from_chars(dash + 1, end, number);
    return no_number == std::errc() && rest == end ? process : 0;
}

/// Of processes that are gone: another one may be writing the same file at this moment. What cannot be removed stays.
void remove_abandoned_temporaries(const fs::path& target) {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(target), ignored)) {
        pid_t process = writer_of(entry.path().filename().string(), target.filename().string());
        if (process != 0 && ::kill(process, 0) != 0 && errno == ESRCH) {
            fs::remove(entry.path(), ignored);
        }
    }
}

void write_all(int descriptor, std::span<const std::byte> bytes, const fs::path& path) {
    while (!bytes.empty()) {
        ssize_t written = ::write(descriptor, bytes.data(), std::min<size_t>(bytes.size(), 1 << 30));
        if (written < 0 && errno != EINTR) {
            fail_to("written", path, "write", errno);
        }
        bytes = bytes.subspan(static_cast<size_t>(std::max<ssize_t>(written, 0)));
    }
}

struct EndInflate {
    void operator()(z_stream* stream) const { inflateEnd(stream); }
};

/// Room for what the stream unpacks to is taken once, so that the limit on memory holds for all that is held: gzip's
/// last 4 bytes say how much that is, and deflate makes no byte to more than 1,032.
size_t unpacked_size(std::span<const std::byte> packed) {
    uint32_t stored = 0;
    if (packed.size() >= sizeof stored) {
        std::memcpy(&stored, packed.last(sizeof stored).data(), sizeof stored);
    }
    constexpr size_t greatest_ratio = 1032;
    return std::min<size_t>(stored, greatest_ratio * packed.size());
}

Bytes unpack_gzip(std::span<const std::byte> packed, const fs::path& path, size_t max_bytes) {
    z_stream      stream{};
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream, gzip_only) != Z_OK) {
        throw std::bad_alloc();
    }
    std::unique_ptr<z_stream, EndInflate> end(&stream);

    size_t expected = unpacked_size(packed);
    if (expected > max_bytes) {
        fail<DataError>("{}: unpacks to {} bytes, more than the limit of {}; {}", path.string(), expected, max_bytes,
                        raise_limit);
    }
    constexpr size_t most_at_once = 1 << 30;
    Bytes            unpacked(expected + 1);  // one more shows that there is more
    size_t           size     = 0;
    size_t           consumed = 0;
    for (int result = Z_OK; result != Z_STREAM_END;) {
        auto given       = static_cast<uInt>(std::min(packed.size() - consumed, most_at_once));
        auto room        = static_cast<uInt>(std::min(unpacked.size() - size, most_at_once));
        stream.next_in   = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + consumed));
        stream.avail_in  = given;
        stream.next_out  = reinterpret_cast<Bytef*>(unpacked.data() + size);
        stream.avail_out = room;
        result           = inflate(&stream, Z_NO_FLUSH);
        consumed += given - stream.avail_in;
        size += room - stream.avail_out;
        if (result == Z_MEM_ERROR) {
            throw std::bad_alloc();
        }
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            fail<DataError>("{}: the gzip stream is damaged before byte {} ({}); get the file again", path.string(),
                            consumed, stream.msg ? stream.msg : "unknown cause");
        }
        if (size > expected) {
            fail<DataError>(
                "{}: the gzip stream is cut off or damaged: it unpacks to more than the {} bytes that its "
                "end says; get the file again, or unpack it with gunzip if it has 4 GiB",
                path.string(), expected);
        }
        if (result != Z_STREAM_END && consumed == packed.size()) {
            fail<DataError>("{}: the gzip stream is cut off at byte {}, where the file ends; get the file again",
                            path.string(), packed.size());
        }
    }
    if (consumed != packed.size()) {
        fail<DataError>("{}: {} more bytes follow the end of the gzip stream at byte {}; get the file again",
                        path.string(), packed.size() - consumed, consumed);
    }
    unpacked.resize(size);
    return unpacked;
}

}  // namespace

fs::path temporary_name(const fs::path& path) {
    static std::atomic<unsigned> counter;
    return path.string() + std::string(temporary_mark) + std::to_string(::getpid()) + "-" + std::to_string(counter++);
}

std::string_view what_to_do(int error) {
    switch (error) {
        case EACCES:
        case EPERM: return "check the permissions";
        case EDQUOT:
        case ENOSPC: return "free some space or choose another folder";
        case EFBIG: return "raise the limit on file sizes (ulimit -f) or choose another folder";
        case EISDIR: return "it is a folder, name a file in it";
        case ENOENT:
        case ENOTDIR: return "check the path";
        case EROFS: return "choose a folder on a writable file system";
        default: return "check the disk and the file system";
    }
}

Bytes read_file(const fs::path& path, size_t max_bytes, std::string_view remedy) {
    Descriptor descriptor(path, O_RDONLY);
    if (descriptor.number() < 0) {
        fail_to("read", path, "open", errno);
    }
    struct stat status {};
    if (::fstat(descriptor.number(), &status) != 0) {
        fail_to("read", path, "fstat", errno);
    }
    // The size is a hint only: a pipe has none, and a file may grow while it is read. One byte more finds the end
    // without another growth.
    Bytes  bytes(std::min(static_cast<size_t>(std::max<off_t>(status.st_size, 0)), max_bytes) + 1);
    size_t size = 0;
    while (true) {
        if (size == bytes.size()) {
            bytes.resize(size + std::min(size, max_bytes - size + 1));
        }
        ssize_t got = ::read(descriptor.number(), bytes.data() + size, bytes.size() - size);
        if (got < 0 && errno != EINTR) {
            fail_to("read", path, "read", errno);
        }
        if (got == 0) {
            break;
        }
        size += static_cast<size_t>(std::max<ssize_t>(got, 0));
        if (size > max_bytes) {
            fail<DataError>("{}: has more than the limit of {} bytes; {}", path.string(), max_bytes, remedy);
        }
    }
    bytes.resize(size);
    return bytes;
}

Bytes read_maybe_gzip(const fs::path& path, size_t max_bytes) {
    Bytes bytes = read_file(path, max_bytes);
    if (bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b}) {
        return unpack_gzip(bytes, path, max_bytes);
    }
    return bytes;
}

void check_writable(const fs::path& path) {
    fs::path   name = temporary_name(target_of(path));
    Descriptor descriptor(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (descriptor.number() < 0) {
        fail_to("written", path, "open", errno);
    }
    Temporary temporary(name);
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes, const fs::path& previous) {
    write_file_atomically(path, std::vector{bytes}, previous);
}

void write_file_atomically(const fs::path& path, const std::vector<std::span<const std::byte>>& pieces,
                           const fs::path& previous) {
    fs::path target = target_of(path);
    remove_abandoned_temporaries(target);
    fs::path name = temporary_name(target);
    ::unlink(name.c_str());  // of an earlier process that had our number
    Descriptor descriptor(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (descriptor.number() < 0) {
        fail_to("written", path, "open", errno);
    }
    Temporary temporary(name);
    for (std::span<const std::byte> piece : pieces) {
        write_all(descriptor.number(), piece, path);
    }
    if (!synchronise(descriptor.number())) {
        fail_to("written", path, "fsync", errno);
    }
    if (!descriptor.close()) {
        fail_to("written", path, "close", errno);
    }

    bool keep = !previous.empty() && fs::exists(target);
    if (keep && ::rename(target.c_str(), previous.c_str()) != 0) {
        fail_to("kept as the previous one", path, "rename", errno);
    }
    if (::rename(name.c_str(), target.c_str()) != 0) {
        int error = errno;
        if (keep) {
            ::rename(previous.c_str(), target.c_str());
        }
        fail_to("written", path, "rename", error);
    }
    temporary.release();
    synchronise_folder_of(target);
}

}  // namespace hemp
