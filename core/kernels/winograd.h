#pragma once
// Convolution 3 x 3 with stride 1 and padding 1 by Winograd's algorithm F(4x4, 3x3) (Lavin and Gray, "Fast algorithms
// for convolutional neural networks", 2015): 36 products of matrices [tiles, C] [C, K] do with one multiplication where
// the definition needs four.
//
// Images are channel-blocked, [N, C/16, H, W, 16] with C rounded up to a multiple of 16 and zeros in the lanes beyond;
// weights are [K, C, 3, 3]. Relative error with 512 channels, in the root mean square: 3e-6 (the direct sum: 5e-7).
//
// Pieces are cut by shape alone, may be computed in any order, and each element is summed in one order with one
// rounding a multiply-add where the CPU has it: AVX2 and AVX-512 give the same bits.

#include <cstdint>

namespace hemp {

struct WinogradShape {
    int64_t images, channels, filters, height, width;

    int64_t tiles() const { return images * ((height + 3) / 4) * ((width + 3) / 4); }
    int64_t channel_blocks() const { return (channels + 15) / 16; }
    int64_t filter_blocks() const { return (filters + 15) / 16; }

    // Forward.
    int64_t weight_pieces() const { return filter_blocks(); }
    int64_t transformed_weight_floats() const;
    int64_t forward_pieces() const;
    int64_t forward_scratch_floats() const;  ///< of a thread

    // Gradient to the weights: partial sums over parts of the batch, then their sum.
    int64_t gradient_pieces() const;
    int64_t gradient_scratch_floats() const;  ///< of a thread
    int64_t partial_floats() const;           ///< of all parts
    int64_t sum_pieces() const { return filter_blocks(); }
};

/// The kernels for one instruction set.
struct Winograd {
    /// Transforms filters of `piece`: weights [filters, channels, 3, 3], or, for the gradient to the data (a
    /// convolution of dy with filters and channels exchanged), [channels, filters, 3, 3] which are rotated by half a
    /// turn.
    void (*transform_weights)(const WinogradShape&, const float* weights, bool rotated, int64_t piece,
                              float* transformed);
    /// y = x * weights, or y += x * weights.
    void (*forward)(const WinogradShape&, const float* x, const float* transformed_weights, float* y, bool accumulate,
                    int64_t piece, float* scratch);

    void (*weight_gradient)(const WinogradShape&, const float* x, const float* dy, int64_t piece, float* partial,
                            float* scratch);
    /// Adds the parts into dw [filters, channels, 3, 3].
    void (*sum_weight_gradient)(const WinogradShape&, const float* partial, int64_t piece, float* dw);
};

/// The kernels for the instruction set in use.
const Winograd& winograd();

}  // namespace hemp
