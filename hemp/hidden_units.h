#pragma once

#include "models/model.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace hemp {

/// Units whose order only these parameters know of (indices into the model's).
struct HiddenUnits {
    size_t producer;  ///< a matrix with a row for each unit
    std::vector<size_t>
        companions;              ///< what else has a row or an element for each: biases, batch norm, depthwise filters
    std::vector<size_t> shifts;  ///< those of them that are added: biases, means and shifts of batch norm
    size_t              consumer;  ///< a matrix with as many blocks of columns
    int64_t             count  = 0;
    bool                silent = false;  ///< a unit whose row and shifts are zero gives zeros

    bool operator==(const HiddenUnits&) const = default;
};

/// The hidden units of a network: found by exchanging those of a copy with random weights, which must not change its
/// logits by more than rounding. Units of a residual stream, which several layers add to, are none.
std::vector<HiddenUnits> hidden_units(const Model& model);

/// New unit u is old unit order[u]: of the rows of a tensor.
template <class T>
void reorder_rows(std::span<T> values, std::span<const size_t> order) {
    std::vector<T> old(values.begin(), values.end());
    size_t         size = old.size() / order.size();
    for (size_t u = 0; u < order.size(); ++u) {
        std::copy_n(old.begin() + static_cast<std::ptrdiff_t>(order[u] * size), size,
                    values.begin() + static_cast<std::ptrdiff_t>(u * size));
    }
}

/// The same of the blocks of columns.
template <class T>
void reorder_columns(std::span<T> values, int64_t rows, std::span<const size_t> order) {
    size_t size = values.size() / static_cast<size_t>(rows);
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
        reorder_rows(values.subspan(row * size, size), order);
    }
}

}  // namespace hemp
