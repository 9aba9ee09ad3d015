#pragma once

#include "core/operator.h"
#include "core/ops/conv2d.h"

namespace hemp {

/// conv2d on images in blocks of channels (block_channels). The planner puts these in the place of conv2d and its
/// gradients where no_blocks has nothing against it; users need not.
///   x         [N, ceil(C / 16), H, W, 16] f32; or [N, C, H, W], for a first layer's few channels
///   weight    [K, C, kernel rows, kernel columns] f32
///   returns   [N, ceil(K / 16), H', W', 16], sizes as conv2d; channels beyond K are zero, whatever x has beyond C
///             as long as it is finite
///   gradient  to x and weight, and theirs again
///   throws    ShapeError when channels or sizes do not fit, or options have dilation or groups
Tensor conv2d_blocked(const Tensor& x, const Tensor& weight, const ConvOptions& options = {});

/// conv2d_blocked as programs run it that do not train: weights packed by a node of their own, once if they are
/// constant, and the result finished as it is written. Beyond K it is finite, not zero.
///   bias      [1, ceil(K / 16), 1, 1, 16]
///   addend    of the result's shape
///   gradient  none: the planner makes these nodes after gradients are taken
Tensor conv2d_finished(const Tensor& x, const Tensor& weight, const ConvOptions& options, const Finishing& finishing);

/// Is it what conv2d_finished gives for images in blocks and a kernel of 1 x 1 with stride 1, with no addend?
bool is_pointwise_finished(const Tensor& tensor);

/// The gradient to x: dy as conv2d_blocked returns, `x` [N, C, H, W] as conv2d would have it; gives blocks.
Tensor conv2d_blocked_data_gradient(const Tensor& dy, const Tensor& weight, const Shape& x,
                                    const ConvOptions& options = {});

/// The gradient to the weights, of shape `weight`.
Tensor conv2d_blocked_weight_gradient(const Tensor& dy, const Tensor& x, const Shape& weight,
                                      const ConvOptions& options = {});

/// Why a convolution is not faster in blocks; empty if it is: no dilation, no groups, and few of its products lost on
/// channels that only fill up a block. `x` [N, C, H, W], `weight` [K, C, kernel rows, kernel columns].
std::string no_blocks(const Shape& x, const Shape& weight, const ConvOptions& options);

/// True when x stays [N, C, H, W]: too few channels for a block.
bool stays_planar(const Shape& x);

}  // namespace hemp
