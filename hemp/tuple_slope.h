#pragma once

#include "core/graph.h"
#include "hemp/tuples.h"

namespace hemp {

/// log2 of the probability of each tuple in a table, or, given also the table of the first n-1 members of the same
/// windows, of its last member given these.
///   table     from tuple_table, with `tuples` tuples of `levels` levels
///   marginal  from tuple_table with the order one less and the same windows, or an empty handle
///   returns   f32, one for each slot of the table. Probabilities are taken of max(p, 1/(1024 tuples)): finite for
///             tuples that nobody uses
///   gradient  none
Tensor tuple_logs(Tensor table, Tensor marginal, int64_t tuples, int64_t levels);

/// The derivative of dy * H towards each weight of one tensor, H = -(1/total) sum over tuples of log2 p, by
/// contraction (docs/hemp.md).
///   dy        scalar f32
///   w         [..] f32, one of the table's tensors
///   levels    [L] f32, its levels
///   table     from tuple_table
///   logs      from tuple_logs of that table
///   total     tuples of all tensors whose entropies H averages
///   returns   the shape of w, f32, always finite: 0 for a weight at the highest level or outside the levels, and for
///             those in no window; at another level the derivative towards the interval above it
///   gradient  none
Tensor tuple_slope(Tensor dy, Tensor w, Tensor levels, Tensor table, Tensor logs, int64_t order, const Windows& windows,
                   int64_t total);

}  // namespace hemp
