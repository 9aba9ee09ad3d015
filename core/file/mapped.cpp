#include "core/file/mapped.h"

#include "core/error.h"
#include "core/file/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace hemp {
namespace {

/// A descriptor of a new file in `folder` that has no name any more; below 0, with errno set, where none can be made.
/// Not by O_TMPFILE, which network file systems do not have.
int open_nameless(const std::filesystem::path& folder) {
    int                   descriptor;
    std::filesystem::path path;
    do {
        path       = temporary_name(folder / "scratch");
        descriptor = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    } while (descriptor < 0 && (errno == EEXIST || errno == EINTR));
    if (descriptor >= 0) {
        ::unlink(path.c_str());
    }
    return descriptor;
}

}  // namespace

MappedFile map_file(const std::filesystem::path& path) {
    auto refuse = [&](const char* call) {
        fail("{}: cannot be read, {} says \"{}\"; {}", path.string(), call, std::generic_category().message(errno),
             what_to_do(errno));
    };
    int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        refuse("open");
    }
    std::shared_ptr<void> close(nullptr, [descriptor](void*) { ::close(descriptor); });
    struct stat           status {};
    if (::fstat(descriptor, &status) != 0) {
        refuse("fstat");
    }
    auto size = static_cast<size_t>(status.st_size);
    if (size == 0) {
        return {};  // no file of length 0 can be mapped
    }
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (memory == MAP_FAILED) {
        refuse("mmap");
    }
    return {{static_cast<const std::byte*>(memory), [memory, size](const std::byte*) { ::munmap(memory, size); }},
            size};
}

std::shared_ptr<std::byte> map_scratch(const std::filesystem::path& folder, size_t size) {
    auto refuse = [&](const char* call, int error) {
        fail("{}: no file of {} bytes can be made there, {} says \"{}\"; {}", folder.string(), size, call,
             std::generic_category().message(error), what_to_do(error));
    };
    int descriptor = open_nameless(folder);
    if (descriptor < 0) {
        refuse("open", errno);
    }
    std::shared_ptr<void> close(nullptr, [descriptor](void*) { ::close(descriptor); });
    // A page without a place on the disk would end the program when it is written.
    if (int error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(size)); error != 0) {
        refuse("posix_fallocate", error);
    }
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) {
        refuse("mmap", errno);
    }
    return {static_cast<std::byte*>(memory), [memory, size](std::byte*) { ::munmap(memory, size); }};
}

}  // namespace hemp
