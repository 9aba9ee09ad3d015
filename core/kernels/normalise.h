#pragma once
// Batch norm's application, and the clamp behind it, on images whose channels lie in blocks of 16: what a convolution
// does to a pixel when it reads it, so that the normalised image is never written.

#include "core/kernels/vector.h"

#include <cstdint>
#include <limits>

namespace hemp {

/// x becomes min(max((x - centre) * gain + offset, low), high), with a centre, gain and offset for each channel. NaN
/// stays. Without a gain nothing is done.
struct Normalisation {
    const float* centre = nullptr;
    const float* gain   = nullptr;
    const float* offset = nullptr;
    float        low    = -std::numeric_limits<float>::infinity();
    float        high   = std::numeric_limits<float>::infinity();

    explicit operator bool() const { return gain != nullptr; }

    /// That of the channels from a block on.
    Normalisation from_block(int64_t block) const {
        return *this ? Normalisation{centre + block * 16, gain + block * 16, offset + block * 16, low, high}
                     : Normalisation{};
    }
};

/// (x - centre) * gain + offset, as the operator `normalise` computes it.
template <class V>
HEMP_INLINE typename V::Float normalised(typename V::Float x, typename V::Float centre, typename V::Float gain,
                                         typename V::Float offset) {
    return (x - centre) * gain + offset;
}

/// A Normalisation of V::width channels, in registers.
template <class V>
struct NormalisationOf {
    typename V::Float centre, gain, offset, low, high;

    HEMP_INLINE NormalisationOf(const Normalisation& n, int64_t channel)
        : centre(V::load(n.centre + channel)),
          gain(V::load(n.gain + channel)),
          offset(V::load(n.offset + channel)),
          low(V::all(n.low)),
          high(V::all(n.high)) {}

    HEMP_INLINE typename V::Float operator()(typename V::Float x) const {
        typename V::Float y = normalised<V>(x, centre, gain, offset);
        y                   = y < low ? low : y;
        return y > high ? high : y;
    }
};

/// Copies pixels of one block of 16 channels, each normalised.
using NormalisePixels = void(const Normalisation& normalisation, const float* from, int64_t pixels, float* to);

/// The kernel for the instruction set in use.
NormalisePixels* normalise_pixels();

}  // namespace hemp
