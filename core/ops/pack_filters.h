#pragma once

#include "core/graph.h"

namespace hemp {

/// The weights of a convolution in the order in which kernels on blocks of channels read them. The planner adds these
/// nodes (conv2d_finished, depthwise_finished): weights that never change are packed once.
///   weight    [K, C, kernel rows, kernel columns] f32
///   lanes     of the image's channels, 16 in blocks or 1
///   returns   [ceil(K / 16), ceil(C / lanes), kernel rows * kernel columns, lanes, 16], zero beyond K and C
///   throws    ShapeError unless weight has four axes
Tensor pack_filters(const Tensor& weight, int64_t lanes);

/// The same for a convolution by Winograd's algorithm: the filters' values at its 36 points (core/kernels/winograd.h).
///   weight    [K, C, 3, 3] f32
///   returns   [36, ceil(K / 16) * C * 16 + 16], at each point [ceil(K / 16), C, 16]; zero beyond K and at the end
///   throws    ShapeError unless weight has that shape
Tensor winograd_filters(const Tensor& weight);

/// What pack_filters does, for one block of 16 filters: `weight` [K, C, taps], `to` its part of the result.
struct FilterPacking {
    int64_t filters, channels, taps, lanes;

    int64_t blocks() const { return (filters + 15) / 16; }
    int64_t channel_blocks() const { return (channels + lanes - 1) / lanes; }
    int64_t block_floats() const { return channel_blocks() * taps * lanes * 16; }
    void    run(const float* weight, int64_t block, float* to) const;
};

}  // namespace hemp
