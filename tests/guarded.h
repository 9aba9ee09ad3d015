#pragma once

#include "core/array.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace hemp {

/// Memory for one operand, result or scratch, so that a kernel that reads or writes what it should not is seen: filled
/// with NaN (all bits set), with guards of another pattern on both sides.
class Guarded {
 public:
    explicit Guarded(size_t bytes) : memory_({.shape = {static_cast<int64_t>(bytes + 2 * guard)}, .dtype = DType::u8}) {
        std::memset(memory_.memory(), pattern, memory_.bytes());
        std::memset(at(), 0xff, bytes);
    }
    std::byte* at() { return static_cast<std::byte*>(memory_.memory()) + guard; }
    bool       intact() const {
              auto bytes = memory_.values<uint8_t>();
              auto good  = [](uint8_t byte) { return byte == pattern; };
              return std::all_of(bytes.begin(), bytes.begin() + guard, good) &&
                     std::all_of(bytes.end() - guard, bytes.end(), good);
    }

 private:
    static constexpr size_t  guard   = 128;
    static constexpr uint8_t pattern = 0xab;
    Array                    memory_;
};

}  // namespace hemp
