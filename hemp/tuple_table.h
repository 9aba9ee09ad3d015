#pragma once

#include "core/graph.h"
#include "hemp/tuples.h"

namespace hemp {

/// How often each n-tuple of symbols occurs, summed over tensors. No tuple crosses a tensor.
///   weights   [..] f32, each at least `windows.span` long, in the order in which they are read
///   levels    one for each of them, [L] f32 with the same 2 <= L <= 256, strictly increasing
///   order     n, 1 to 8: the first n weights of each window are its tuple
///   returns   i64, units of 2^-31: [L^n], or where that is too many (TableLayout) the rows [capacity, 2] of a
///   HashTable gradient  none: the table is an integer one; its readers pass theirs on to the weights themselves throws
///   ShapeError source    HEMP (Tartaglione et al., 2021), equations 4 to 6, with two levels a weight instead of all
Tensor tuple_table(Tensors weights, Tensors levels, int64_t order, const Windows& windows);

/// Memory that computing it needs beside the result.
size_t tuple_table_scratch_bytes(const TableLayout& layout, int64_t order, int64_t tuples);

}  // namespace hemp
