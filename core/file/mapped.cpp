#include "core/file/mapped.h"

#include "core/error.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace hemp {

MappedFile map_file(const std::filesystem::path& path) {
    auto refuse = [&](const char* call) {
        fail("{}: cannot be read, {} says \"{}\"; check the path and its permissions", path.string(), call,
             std::generic_category().message(errno));
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

}  // namespace hemp
