#pragma once

#include "core/graph.h"

namespace hemp {

struct PoolOptions {
    std::vector<int64_t> window  = {2, 2};  ///< rows, columns
    std::vector<int64_t> stride  = {};      ///< rows, columns; empty: the window's
    std::vector<int64_t> padding = {0, 0};  ///< on each side, at most half the window; never chosen, never counted
};

/// Largest value under each position of the window.
///   x         [N, C, H, W] f32
///   returns   [N, C, H', W'], H' = (H + 2 padding - window) / stride + 1; NaN where one is under the window
///   gradient  to x: the whole of dy to the first largest value of the window
Tensor max_pool(const Tensor& x, const PoolOptions& options = {});

/// Mean of the values under each position of the window, padding not counted. Gradient to x.
Tensor average_pool(const Tensor& x, const PoolOptions& options = {});

/// Mean over all rows and columns: [N, C, H, W] to [N, C]. A composition.
Tensor global_average_pool(const Tensor& x);

/// Largest value over all rows and columns: [N, C, H, W] to [N, C]. A composition.
Tensor global_max_pool(const Tensor& x);

}  // namespace hemp
