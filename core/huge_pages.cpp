#include "core/huge_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace hemp {

void prefer_huge_pages(void* memory, size_t bytes) {
    if (bytes < size_t{4} << 20) {
        return;
    }
    // From the first whole page on.
    auto   page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    size_t skip = (page - reinterpret_cast<uintptr_t>(memory) % page) % page;
    madvise(static_cast<char*>(memory) + skip, bytes - skip, MADV_HUGEPAGE);
}

}  // namespace hemp
