#pragma once
// How a convolution passes over images in blocks of channels: which input pixels an output pixel meets, which strip of
// the input a piece of the work reads, and that strip with zeros around it. Forward and gradient to data are both such
// passes; what is done with a pixel is up to the kernel.

#include "core/kernels/direct_conv.h"
#include "core/ops/pixels.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hemp {

struct Extent {
    int64_t height, width;

    int64_t area() const { return height * width; }
    bool    operator==(const Extent&) const = default;
};

/// Rows [top, bottom) and columns [left, right) of an image, which may lie outside of it.
struct Strip {
    int64_t top, bottom, left, right;

    int64_t rows() const { return bottom - top; }
    int64_t columns() const { return right - left; }

    /// Its part that lies in an image of this size; without rows or columns where none does.
    Strip inside(Extent image) const;

    /// Where a pixel stands in it, row by row.
    int64_t place(int64_t row, int64_t column) const { return (row - top) * columns() + column - left; }
};

/// Writes zeros where a strip of `pixel_floats` floats a pixel is not `inner`.
void zero_around(const Strip& strip, const Strip& inner, int64_t pixel_floats, float* to);

/// One convolution of a sweep: its output pixels, and what they meet.
struct Phase {
    Extent  out_first;  ///< output pixel (0, 0) of the phase
    Extent  count;      ///< of its output pixels
    Extent  in_first;   ///< input pixel that the first tap meets for output pixel (0, 0); may be negative
    Extent  taps;
    int64_t weights;  ///< offset of its weights, in taps
};

/// The forward pass: one phase.
std::vector<Phase> forward_phases(Extent y, Extent kernel, Extent padding);

/// The gradient to data. Pixels of x at equal distance from the stride's grid meet the same taps: a phase for each such
/// distance, row by row, which passes over dy with stride 1. Its taps stand in reverse order: tap t of T along an axis
/// is the kernel's `distance + (T - 1 - t) * stride`.
std::vector<Phase> gradient_phases(Extent x, Extent kernel, Extent stride, Extent padding);

/// Convolutions of one input [images, in_blocks, H, W, in_lanes], of in_channels channels, into one output [images,
/// out_blocks, H', W', 16].
struct Sweep {
    int64_t            images, in_channels, in_blocks, in_lanes, out_blocks;
    Extent             in, out;
    Extent             in_step;   ///< from output pixel to output pixel of a phase, in the input
    Extent             out_step;  ///< in the output
    std::vector<Phase> phases;

    /// What rows [first, last) of every phase's output pixels read.
    Strip strip(int64_t first, int64_t last) const;
    bool  inside(const Strip& strip) const;
    /// Whether each output pixel meets the input pixel at its own place, and no other.
    bool pointwise() const;
    /// Of output pixels, of the phase that has most.
    int64_t rows() const;
    /// The first output row of all phases' rows from one on: together they are whole rows.
    int64_t out_row(int64_t row) const { return std::min(row * out_step.height, out.height); }

    /// Writes where a phase's segments of taps begin (DirectRegion), and returns how many there are.
    int64_t write_offsets(const Phase& phase, int64_t block_floats, int64_t row_floats, int64_t* offsets) const;
    int64_t most_offsets() const;
    /// Of the last block, where others fill it up; 0 where none do.
    int64_t channels_of_partial_block() const { return in_lanes == 1 ? 0 : in_channels % in_lanes; }
};

/// How a sweep is cut into pieces: strips of rows whose input stays in the cache, and shares of the filters where there
/// are few strips.
struct Cut {
    int64_t strip_rows, strips, shares;
    int64_t strip_floats;   ///< copied, of thread scratch; 0 where a strip is read in the image
    size_t  offsets_bytes;  ///< of thread scratch, after the strip

    size_t   thread_scratch_bytes() const { return static_cast<size_t>(strip_floats) * sizeof(float) + offsets_bytes; }
    int64_t* offsets(std::byte* thread_scratch) const {
        return reinterpret_cast<int64_t*>(thread_scratch + static_cast<size_t>(strip_floats) * sizeof(float));
    }
};

/// A strip is copied where something of it lies outside of the image, or if it is computed on the way.
Cut cut_of(const Sweep& sweep, int64_t cache_floats, bool computed);

/// A strip of `in_blocks` planes or blocks where a kernel reads it: in the image, or in a copy with zeros around it.
struct StripView {
    const float* pixels;  ///< of the first block
    Strip        strip;
    int64_t      pixel_floats, row_floats, block_floats;
    const float* ahead = nullptr;  ///< what stands in memory where the strip below begins, if its reader tells

    /// A pixel of the image, in the first block; it may lie outside of the image, not of the strip.
    const float* at(int64_t row, int64_t column) const {
        return pixels + (row - strip.top) * row_floats + (column - strip.left) * pixel_floats;
    }
};

/// What rows [first, first + strip_rows) of output pixels read of the first `blocks` blocks of `image`.
StripView read_strip(const Sweep& sweep, const Cut& cut, const Pixels& image, int64_t blocks, int64_t first,
                     std::byte* thread_scratch);

}  // namespace hemp
