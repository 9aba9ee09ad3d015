#pragma once
// The innermost loops of a direct convolution on images whose channels lie in blocks of 16: [blocks, H, W, 16]. A block
// of a pixel is a cache line and an AVX-512 register, and pixels lie at a constant distance, so that a loop over the
// taps holds a tile of output pixels in registers and takes the input's scalars straight from memory (Georganas et al.,
// "Anatomy of high-performance deep learning convolutions on SIMD architectures", 2018).
//
// Each sum is taken over the taps (or the pixels) in order, whatever the tile: AVX2 and AVX-512 give the same bits.

#include "core/kernels/finish.h"

#include <cstdint>

namespace hemp {

constexpr int64_t channel_block = 16;

/// Output pixels of one block of filters, rows x columns of them. All distances in floats.
struct DirectRegion {
    const float*   x;        ///< what the first tap of the first pixel meets
    int64_t        x_pixel;  ///< from what a tap meets for a pixel to what it meets for the next one in its row
    int64_t        x_row;    ///< for the one below
    const int64_t* offsets;  ///< segments of taps, from x: each `length` floats one after another
    int64_t        segments;
    int64_t        length;
    const float*   weights;  ///< [segments, length, 16]
    float*         y;        ///< 16 floats a pixel
    int64_t        y_pixel;
    int64_t        y_row;
    int64_t        rows;
    int64_t        columns;
    Finish         finish         = {};       ///< bias of this block; addend at y's place
    int64_t        short_segments = 0;        ///< the last so many segments
    int64_t        short_length   = 0;        ///< their taps that count: the other weights are zero
    const float*   ahead          = nullptr;  ///< what will stand at x next, brought to L2 meanwhile; null: nothing
    int64_t        ahead_segment  = 0;        ///< from what the first segment meets there to what the second one does
};

/// The transposed sum: over pixels, for each of `factors` taps and 16 filters.
struct DirectSums {
    const float*   x;        ///< as above
    int64_t        x_pixel;  ///< as above
    int64_t        x_row;
    const int64_t* offsets;  ///< of the taps, from x
    int64_t        factors;
    const float*   dy;
    int64_t        dy_pixel;
    int64_t        dy_row;
    int64_t        rows;
    int64_t        columns;
    float*         total;                ///< [factors, 16], added to
    const float*   ahead     = nullptr;  ///< 16 floats a pixel, row by row, brought to L2 meanwhile; null: nothing
    int64_t        ahead_row = 0;
};

struct DirectConv {
    void (*convolve)(const DirectRegion& region);     ///< y = sum over taps of x * weights, finished
    void (*sum_over_pixels)(const DirectSums& sums);  ///< total += sum over pixels of x * dy
};

/// The kernels for the instruction set in use.
const DirectConv& direct_conv();

}  // namespace hemp
