#pragma once
// Rows of an image, which are short: a call of memcpy for each would cost more than the copy.

#include "core/kernels/vector.h"

namespace hemp {

inline void copy_row(const float* from, int64_t length, float* to) {
    int64_t i = 0;
    for (; i + 4 <= length; i += 4) {
        Baseline::store(to + i, Baseline::load(from + i));
    }
    for (; i < length; ++i) {
        to[i] = from[i];
    }
}

inline void add_row(const float* from, int64_t length, float* to) {
    int64_t i = 0;
    for (; i + 4 <= length; i += 4) {
        Baseline::store(to + i, Baseline::load(to + i) + Baseline::load(from + i));
    }
    for (; i < length; ++i) {
        to[i] += from[i];
    }
}

}  // namespace hemp
