#pragma once
// Arrays as tests make and compare them.

#include "core/array.h"
#include "core/random.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace hemp {

inline std::vector<float> floats_of(const Array& array) {
    auto values = array.values<float>();
    return {values.begin(), values.end()};
}

inline bool same_bits(const Array& a, const Array& b) {
    return a.type() == b.type() && std::memcmp(a.memory(), b.memory(), a.bytes()) == 0;
}

inline bool same_bits(const std::vector<Array>& a, const std::vector<Array>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Array& x, const Array& y) { return same_bits(x, y); });
}

/// Normal values.
inline Array random_matrix(int64_t rows, int64_t columns, uint64_t stream) {
    Array  values(Type{{rows, columns}});
    Random random(1, stream);
    for (size_t i = 0; i < static_cast<size_t>(rows * columns); ++i) {
        values.values<float>()[i] = random.normal(i);
    }
    return values;
}

}  // namespace hemp
