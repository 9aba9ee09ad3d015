#pragma once

#include "core/shape.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hemp {

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

/// How the rows and the blocks of columns of a tensor stand; as they are where that is empty.
struct Standing {
    std::vector<size_t> rows, columns;
};

/// New row r is old row rows[r], new block c of columns old block columns[c].
template <class T>
void rearrange(std::span<T> values, const Shape& shape, const Standing& standing) {
    if (!standing.rows.empty()) {
        reorder_rows(values, standing.rows);
    }
    if (!standing.columns.empty()) {
        reorder_columns(values, shape[0], standing.columns);
    }
}

/// What takes a rearranged tensor back.
inline Standing reverse(const Standing& standing) {
    auto reversed = [](const std::vector<size_t>& order) {
        std::vector<size_t> result(order.size());
        for (size_t i = 0; i < order.size(); ++i) {
            result[order[i]] = i;
        }
        return result;
    };
    return {reversed(standing.rows), reversed(standing.columns)};
}

}  // namespace hemp
