#pragma once

#include "core/graph.h"

namespace hemp {

struct ConvOptions {
    std::vector<int64_t> stride   = {1, 1};  ///< rows, columns
    std::vector<int64_t> padding  = {0, 0};  ///< zeros on each side: rows, columns
    std::vector<int64_t> dilation = {1, 1};  ///< distance between taps: rows, columns
    int64_t              groups   = 1;       ///< channels are cut into groups that do not see each other
};

/// Two-dimensional convolution (cross-correlation, as every framework has it):
/// y[n, k, i, j] = sum over c, a, b of x[n, c, i*stride + a*dilation - padding, ...] weight[k, c, a, b].
///   x         [N, C, H, W] f32
///   weight    [K, C / groups, kernel rows, kernel columns] f32; K divides by groups
///   returns   [N, K, H', W'], H' = (H + 2 padding - dilation (rows - 1) - 1) / stride + 1
///   gradient  to x and weight, and theirs again
///   throws    ShapeError when channels, groups or sizes do not fit
Tensor conv2d(const Tensor& x, const Tensor& weight, const ConvOptions& options = {});

/// The gradient of conv2d to x (of shape `x`): also known as transposed convolution.
Tensor conv2d_data_gradient(const Tensor& dy, const Tensor& weight, const Shape& x, const ConvOptions& options = {});

/// The gradient of conv2d to the weights (of shape `weight`).
Tensor conv2d_weight_gradient(const Tensor& dy, const Tensor& x, const Shape& weight, const ConvOptions& options = {});

}  // namespace hemp
