#pragma once
// The gradient to what batch norm reads, through the rectifier behind it, on images whose channels lie in blocks of 16:
// what a convolution's gradients do to a pixel when they read it, so that this image is never written.

#include "core/kernels/rectifier.h"

#include <cstdint>

namespace hemp {

/// What makes it of dy, with a value a channel but for the image x that batch norm read: see the operator
/// `normalise_gradient`. Without an x there is none.
struct NormaliseGradient {
    const float* x      = nullptr;
    const float* centre = nullptr;
    const float* gain   = nullptr;
    const float* offset = nullptr;
    const float* slope  = nullptr;
    const float* shift  = nullptr;
    bool         six    = false;  ///< the rectifier is relu6

    explicit operator bool() const { return x != nullptr; }

    /// That of pixels `floats` further on in memory, whose channels begin `block` blocks further on.
    NormaliseGradient from(int64_t floats, int64_t block) const {
        int64_t channel = block * 16;
        return *this ? NormaliseGradient{x + floats,
                                         centre + channel,
                                         gain + channel,
                                         offset + channel,
                                         slope + channel,
                                         shift + channel,
                                         six}
                     : NormaliseGradient{};
    }
};

/// m dy gain + (x - centre) slope + shift, where m is 1 if the rectifier lets (x - centre) gain + offset through, else
/// 0.
template <class Rectifier, class V, class F>
HEMP_INLINE F normalise_gradient(F dy, F x, F centre, F gain, F offset, F slope, F shift) {
    F from_centre = x - centre;
    return Rectifier::template gated<V>(from_centre * gain + offset, dy) * gain + (from_centre * slope + shift);
}

/// Writes it for pixels of one block of 16 channels, from those of dy.
using NormaliseGradientPixels = void(const NormaliseGradient& gradient, const float* dy, int64_t pixels, float* to);

/// The kernel for the instruction set in use, for relu6 or for relu.
NormaliseGradientPixels* normalise_gradient_pixels(bool six);

}  // namespace hemp
