#pragma once
// Convolution 3 x 3 with stride 1 and padding 1 by Winograd's algorithm F(4x4, 3x3) (Lavin and Gray, "Fast algorithms
// for convolutional neural networks", 2015): 36 products of matrices [tiles, C] [C, K] do with one multiplication where
// the definition needs four.
//
// Images are channel-blocked, [N, C/16, H, W, 16] with C rounded up to a multiple of 16 and zeros in the lanes beyond;
// weights are [K, C, 3, 3]. Relative error in the root mean square: 5e-7 with 16 channels, 2e-6 with 512.
//
// Pieces are cut by shape alone, may be computed in any order, and each element is summed in one order with one
// rounding a multiply-add where the CPU has it: AVX2 and AVX-512 give the same bits.

#include "core/kernels/finish.h"
#include "core/kernels/normalise.h"

#include <cstdint>
#include <functional>

namespace hemp {

struct WinogradShape {
    int64_t images, channels, filters, height, width;

    int64_t tiles() const { return images * ((height + 3) / 4) * ((width + 3) / 4); }
    int64_t channel_blocks() const { return (channels + 15) / 16; }
    int64_t filter_blocks() const { return (filters + 15) / 16; }

    // Forward: a stage of pieces that prepare, then one that multiplies. Prepared for all pieces are the transformed
    // weights or, where these are much larger (deep layers of small images), the transformed x: then each piece
    // transforms the weights of its own filters, which do not leave the cache (1.3 to 2 times as fast).
    bool    prepares_weights() const { return 4 * tiles() >= filters; }
    int64_t prepare_pieces() const;
    /// Calls visit(block, floats from the start of y, pixels) for what a forward piece writes, block by block.
    void    for_each_result(int64_t piece, const std::function<void(int64_t, int64_t, int64_t)>& visit) const;
    int64_t prepared_floats() const;
    int64_t forward_pieces() const;
    int64_t forward_scratch_floats() const;  ///< of a thread

    // Gradient to the weights: partial sums over parts of the batch, then their sum.
    int64_t gradient_pieces() const;
    int64_t gradient_scratch_floats() const;  ///< of a thread
    int64_t partial_floats() const;           ///< of all parts
    int64_t sum_pieces() const { return filter_blocks(); }
};

/// Operands of the forward convolution, or of the gradient to the data: that is a convolution of dy in which filters
/// and channels change places, and each filter is rotated by half a turn.
struct WinogradOperands {
    const float*  x;
    Normalisation normalisation = {};  ///< of x, as it is read
    const float*  weights;             ///< [filters, channels, 3, 3], or [channels, filters, 3, 3] if rotated
    bool          rotated;
    bool          packed;  ///< weights are [filter blocks, channels, 9, 16] instead, zero beyond `filters`
    float*        y;
    Finish        finish = {};
};

/// The kernels for one instruction set.
struct Winograd {
    void (*prepare)(const WinogradShape&, const WinogradOperands&, int64_t piece, float* prepared);
    void (*forward)(const WinogradShape&, const WinogradOperands&, const float* prepared, int64_t piece,
                    float* scratch);

    void (*weight_gradient)(const WinogradShape&, const float* x, const Normalisation& of_x, const float* dy,
                            int64_t piece, float* partial, float* scratch);
    /// Adds the parts into dw [filters, channels, 3, 3].
    void (*sum_weight_gradient)(const WinogradShape&, const float* partial, int64_t piece, float* dw);
};

/// The kernels for the instruction set in use.
const Winograd& winograd();

}  // namespace hemp
