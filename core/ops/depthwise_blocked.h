#pragma once

#include "core/operator.h"
#include "core/ops/conv2d.h"

namespace hemp {

/// conv2d with as many groups as channels and filters, on images in blocks of channels. The planner puts these in the
/// place of conv2d and its gradients; users need not.
///   x         [N, ceil(C / 16), H, W, 16] f32
///   weight    [C, 1, kernel rows, kernel columns]; options.groups is C
///   returns   [N, ceil(C / 16), H', W', 16], sizes as conv2d; channels beyond C are zero where x is finite
///   gradient  to x and weight, and theirs again
///   throws    ShapeError when channels or sizes do not fit, or options have dilation
Tensor depthwise_blocked(const Tensor& x, const Tensor& weight, const ConvOptions& options);

/// depthwise_blocked as conv2d_finished is conv2d_blocked.
Tensor depthwise_finished(const Tensor& x, const Tensor& weight, const ConvOptions& options,
                          const Finishing& finishing);

/// The gradient to x: dy as depthwise_blocked returns, `x` [N, C, H, W] as conv2d would have it; gives blocks.
Tensor depthwise_blocked_data_gradient(const Tensor& dy, const Tensor& weight, const Shape& x,
                                       const ConvOptions& options);

/// The gradient to the weights, [C, 1, kernel rows, kernel columns].
Tensor depthwise_blocked_weight_gradient(const Tensor& dy, const Tensor& x, const Shape& weight,
                                         const ConvOptions& options);

/// True for a convolution that these compute: one filter a channel, no dilation.
bool is_depthwise(const Shape& x, const Shape& weight, const ConvOptions& options);

}  // namespace hemp
