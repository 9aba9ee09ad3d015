#pragma once
// The innermost loops of a depthwise convolution on images whose channels lie in blocks of 16: each channel has its own
// filter, so that lanes never mix. Each sum is taken over the taps (or the pixels) in order.

#include "core/kernels/finish.h"

#include <cstdint>

namespace hemp {

/// Output pixels of one block, rows x columns of them. All distances in floats.
struct DepthwiseRegion {
    const float* x;        ///< what the first tap of the first pixel meets, 16 floats a pixel
    int64_t      x_pixel;  ///< from what a tap meets for a pixel to what it meets for the next one in its row
    int64_t      x_row;    ///< for the one below
    int64_t      tap_row;  ///< from what a tap meets to what the tap below meets; taps of a row lie 16 floats apart
    int64_t      tap_rows, tap_columns;
    const float* weights;  ///< [tap_rows, tap_columns, 16]
    float*       y;        ///< 16 floats a pixel
    int64_t      y_pixel;
    int64_t      y_row;
    int64_t      rows;
    int64_t      columns;
    Finish       finish = {};       ///< bias of this block; addend at y's place
    const float* ahead  = nullptr;  ///< 16 floats a pixel, rows one after another, brought to L2; null: nothing
};

/// The transposed sum: total += sum over pixels of x * dy, for each tap.
struct DepthwiseSums {
    const float* x;  ///< as above
    int64_t      x_pixel, x_row, tap_row, tap_rows, tap_columns;
    const float* dy;  ///< 16 floats a pixel, rows one after another
    int64_t      rows;
    int64_t      columns;
    float*       total;            ///< [tap_rows, tap_columns, 16]
    const float* ahead = nullptr;  ///< as above
};

struct Depthwise {
    void (*convolve)(const DepthwiseRegion& region);
    void (*sum_over_pixels)(const DepthwiseSums& sums);
};

/// The kernels for the instruction set in use.
const Depthwise& depthwise();

}  // namespace hemp
