#pragma once
// The gradient to what batch norm reads, through the rectifier behind it, on images whose channels lie in blocks of 16:
// what a convolution's gradients do to a pixel when they read it, so that this image is never written.

#include "core/kernels/normalise.h"
#include "core/kernels/rectifier.h"

#include <cstdint>

namespace hemp {

/// What makes it of dy (the operator `normalise_gradient`). Without an x there is none.
struct NormaliseGradient {
    const float*  x          = nullptr;  ///< the image that batch norm read
    Normalisation batch_norm = {};       ///< its centre, gain and offset
    const float*  slope      = nullptr;  ///< a value a channel, as the shift
    const float*  shift      = nullptr;

    explicit operator bool() const { return x != nullptr; }

    /// That of pixels `floats` further on in memory, whose channels begin `block` blocks further on.
    NormaliseGradient from(int64_t floats, int64_t block) const {
        return *this
                   ? NormaliseGradient{x + floats, batch_norm.from_block(block), slope + block * 16, shift + block * 16}
                   : NormaliseGradient{};
    }
};

/// m dy gain + (x - centre) slope + shift, where m is 1 if the rectifier lets (x - centre) gain + offset through, else
/// 0.
template <class Rectifier, class V>
HEMP_INLINE typename V::Float normalise_gradient(typename V::Float dy, typename V::Float x, typename V::Float centre,
                                                 typename V::Float gain, typename V::Float offset,
                                                 typename V::Float slope, typename V::Float shift) {
    return Rectifier::template gated<V>(normalised<V>(x, centre, gain, offset), dy) * gain +
           ((x - centre) * slope + shift);
}

/// Writes it for pixels of one block of 16 channels, from those of dy.
using NormaliseGradientPixels = void(const NormaliseGradient& gradient, const float* dy, int64_t pixels, float* to);

/// The kernel for the instruction set in use, for relu6 or for relu.
NormaliseGradientPixels* normalise_gradient_pixels(bool six);

}  // namespace hemp
