#pragma once

#include "core/graph.h"

namespace hemp {

struct ReduceOptions {
    std::vector<int> axes = {};     ///< negative count from the end; none given: all axes
    bool             keep = false;  ///< reduced axes stay, with length 1
};

/// Sum over axes, accumulated in four times 16 lanes of f32 for at most 256 neighbours and in double beyond. Gradient
/// to x.
Tensor sum(const Tensor& x, const ReduceOptions& options = {});

/// Mean over axes; a composition.
Tensor mean(const Tensor& x, const ReduceOptions& options = {});

/// Largest and smallest value over axes; NaN where one is among them. The gradient is shared by equal extremes.
Tensor max(const Tensor& x, const ReduceOptions& options = {});
Tensor min(const Tensor& x, const ReduceOptions& options = {});

}  // namespace hemp
