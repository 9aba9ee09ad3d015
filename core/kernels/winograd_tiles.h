#pragma once
// The transforms of Winograd's convolution F(4x4, 3x3) on channel-blocked images [N, blocks, H, W, 16]: tiles of 4 x 4
// results, each computed from 6 x 6 values, become 36 numbers a channel, one for each pair of points, and back.
//
// Points: 0, +-3/4, +-3/2, infinity. Half the rounding error of Lavin and Gray's 0, +-1, +-2 (with 512 channels of
// normal values, 2.1e-6 of the results' root mean square instead of 4.4e-6) at the same cost, and all constants of the
// transforms are exact. Points +-a, +-2a for another a differ only by a scaling: 3/4 keeps the powers near 1.

#include "core/kernels/finish.h"
#include "core/kernels/normalise.h"
#include "core/kernels/vector.h"

#include <cstdint>

namespace hemp {

/// Consecutive tiles of a batch, counted along rows of tiles, then images.
struct TileRange {
    int64_t height, width;  ///< of an image
    int64_t image_stride;   ///< floats from an image to the next
    int64_t first, count;

    int64_t tile_rows() const { return (height + 3) / 4; }
    int64_t tile_columns() const { return (width + 3) / 4; }
};

/// Transformed tiles in memory, [36 points][blocks of 16 channels][tile][16].
struct PointLayout {
    int64_t blocks;
    int64_t tiles;  ///< room for

    int64_t block_stride() const { return tiles * 16; }
    /// One cache line more than the data: 36 streams at a power of two would share a cache set.
    int64_t point_stride() const { return blocks * block_stride() + 16; }
    int64_t floats() const { return 36 * point_stride(); }
};

/// The transforms for one instruction set. Images are given by the first of `layout.blocks` blocks of 16 channels of
/// image 0; what lies beyond the border of an image counts as zero.
struct WinogradTransforms {
    using Forth = void(const TileRange&, const float* images, const Normalisation&, const PointLayout& layout,
                       float* transformed);
    /// B' d B of the 6 x 6 values that a tile's results depend on.
    Forth* inputs;
    /// A dy A' of the gradients to a tile's 4 x 4 results.
    Forth* gradients;
    /// y = A' m A, finished.
    void (*results)(const TileRange&, const float* m, const PointLayout& layout, float* y, const Finish& finish);

    /// u = G g G': `count` times 9 vectors of 16 (the taps) become 36, each `point_stride` floats after the last one.
    void (*weights)(int64_t count, const float* g, float* u, int64_t point_stride);
    /// dg = G' du G, the other way.
    void (*weight_gradients)(int64_t count, const float* du, int64_t point_stride, float* dg);
};

WinogradTransforms winograd_transforms(InstructionSet set);

}  // namespace hemp
