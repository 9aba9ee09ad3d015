#pragma once
// What the depthwise convolutions have in common: their sizes, and the pass over an image, block by block, that forward
// and gradient to data are.

#include "core/operator.h"
#include "core/ops/channel_blocks.h"
#include "core/ops/finishing.h"
#include "core/ops/sweep.h"

namespace hemp {

struct DepthwiseGeometry {
    int64_t images, channels;
    Extent  x, y, kernel, stride, padding;

    int64_t blocks() const { return blocks_of(channels); }
    int64_t taps() const { return kernel.area(); }
    Shape   x_planes() const { return {images, channels, x.height, x.width}; }
    Shape   weight() const { return {channels, 1, kernel.height, kernel.width}; }
    Shape   packed_weight() const { return {blocks(), 1, taps(), 1, channel_block}; }
    Shape   blocked_y() const { return {images, blocks(), y.height, y.width, channel_block}; }

    /// Multiply-adds.
    double products() const { return static_cast<double>(images * channels * taps() * y.area()); }
};

/// Of x [N, C, H, W] and weight, with the rules of conv2d. Throws ShapeError unless there is one filter a channel.
DepthwiseGeometry depthwise_geometry(const Node& node, const Shape& x, const Shape& weight);

/// x in blocks as it would be without.
Shape depthwise_planes(const Node& node, const Tensor& x);

/// Each block of each image is an image of its own.
Sweep depthwise_sweep(const DepthwiseGeometry& g, bool forward);

/// Gives the strip that output rows from `first` on of block `image` of all images read (read_strip).
using StripReader = std::function<StripView(const Buffers& memory, int64_t image, int64_t first)>;

/// Weights [blocks, phases, taps, 16] are operand `weights`, or in scratch.
Stage depthwise_stage(const DepthwiseGeometry& g, const Sweep& sweep, const Cut& cut, std::optional<size_t> weights,
                      const FinishingOperands& finishing, const StripReader& reader);

}  // namespace hemp
