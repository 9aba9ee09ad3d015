#pragma once

#include "core/array.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hemp {

/// A tensor as the file knows it: integers and what they stand for.
///   levels empty      uniform: value = symbol * step, |symbol| <= 2^30
///   levels not empty  a codebook of 1 to 256 levels, strictly increasing: value = levels[symbol]; step is not used
struct QuantizedTensor {
    std::string          name;
    Shape                shape;
    std::vector<int32_t> symbols;  ///< row-major, shape.size() of them
    float                step = 1;
    std::vector<float>   levels;

    bool operator==(const QuantizedTensor&) const = default;
};

/// The level that symbols are coded relative to: the closest to zero, of two equally close ones the later; 0 where
/// there is none.
inline int32_t zero_symbol(std::span<const float> levels) {
    size_t zero = 0;
    for (size_t i = 1; i < levels.size(); ++i) {
        if (std::abs(levels[i]) <= std::abs(levels[zero])) {
            zero = i;
        }
    }
    return static_cast<int32_t>(zero);
}

/// What a symbol stands for, to the bit the same on every machine: one product rounded to nearest, or a level as it is.
inline float value_of(const QuantizedTensor& tensor, int32_t symbol) {
    return tensor.levels.empty() ? static_cast<float>(symbol) * tensor.step
                                 : tensor.levels.at(static_cast<size_t>(symbol));
}

/// The f32 values.
inline Array dequantize(const QuantizedTensor& tensor) {
    Array  array(Type{tensor.shape, DType::f32});
    size_t i = 0;
    for (float& value : array.values<float>()) {
        value = value_of(tensor, tensor.symbols.at(i++));
    }
    return array;
}

/// The f32 values in the memory of the symbols, which they take the place of.
inline std::span<const std::byte> dequantize_in_place(QuantizedTensor& tensor) {
    for (int32_t& symbol : tensor.symbols) {
        symbol = std::bit_cast<int32_t>(value_of(tensor, symbol));
    }
    return std::as_bytes(std::span(tensor.symbols));
}

}  // namespace hemp
