#pragma once

#include "core/graph.h"
#include "core/kernels/direct_conv.h"

namespace hemp {

/// Images with their channels in blocks of 16, the last filled up with zeros: [N, C, H, W] to [N, ceil(C / 16), H, W,
/// 16]. The layout in which convolutions run; the planner adds these nodes, users need not.
///   x         [N, C, H, W] f32
///   gradient  to x
///   throws    ShapeError unless x has four axes and is f32
Tensor block_channels(const Tensor& x);

/// The first `channels` channels of blocks: the inverse.
///   x         [N, B, H, W, 16] f32, 16 B >= channels
///   returns   [N, channels, H, W]
///   gradient  to x; zero for what is left out
Tensor unblock_channels(const Tensor& x, int64_t channels);

/// Blocks that hold so many channels.
inline int64_t blocks_of(int64_t channels) { return (channels + channel_block - 1) / channel_block; }

/// The shape that images of shape [N, C, H, W] have in blocks.
Shape blocked_shape(const Shape& x);

}  // namespace hemp
