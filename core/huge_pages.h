#pragma once

#include <cstddef>

namespace hemp {

/// Asks the system for huge pages, where it has them and the memory is large: the first touch of a page costs more than
/// the arithmetic on it, or than copying into it.
void prefer_huge_pages(void* memory, size_t bytes);

}  // namespace hemp
