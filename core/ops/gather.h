#pragma once

#include "core/graph.h"

namespace hemp {

/// Rows of a table: y[i.., :] = table[indices[i..], :].
///   table     [R, ..] f32
///   indices   [..] i32, each in [0, R)
///   returns   [indices' axes, table's axes but the first] f32
///   gradient  to the table: each dy is added to its row, in the order of the indices
///   throws    ShapeError on other types or a table without rows' axis; a run throws Error that names the first index
///             out of range
Tensor gather(const Tensor& table, const Tensor& indices);

}  // namespace hemp
