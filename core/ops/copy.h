#pragma once
// Copies between dense memory and a strided box: what transpose, slice, concat and pad are made of.

#include "core/operator.h"

namespace hemp {

/// A box of elements at `offset`, one stride (in elements) an axis; strides may be 0 or negative.
struct StridedBox {
    Shape                                shape;
    int64_t                              offset  = 0;
    std::array<int64_t, Shape::max_rank> strides = {};
};

/// Copies the box of `from` to the box of `to` (equal shapes), `bytes` an element. Rows [begin, end) of the boxes, a
/// row being a run along the last axis.
void copy_rows(const std::byte* from, const StridedBox& from_box, std::byte* to, const StridedBox& to_box, size_t bytes,
               int64_t begin, int64_t end);

/// Number of rows of a box.
int64_t rows_of(const Shape& shape);

/// The work of an operator that copies input 0's box into the result's box.
Work copy_work(StridedBox from, StridedBox to, size_t bytes);

/// The whole of a dense tensor.
StridedBox dense_box(const Shape& shape);

}  // namespace hemp
