#include "core/kernels/normalise_gradient.h"

#include "core/kernels/dispatch.h"

namespace hemp {
namespace {

/// From a pixel of x to what is brought to L2 meanwhile: rows follow one another.
constexpr int64_t floats_ahead = 2048;

template <class Rectifier>
struct Pixels {
    template <class V>
    HEMP_INLINE static void run(const NormaliseGradient& g, const float* dy, int64_t pixels, float* to) {
        using F = typename V::Float;
        for (int64_t part = 0; part < 16; part += V::width) {
            F centre = V::load(g.centre + part), gain = V::load(g.gain + part), offset = V::load(g.offset + part);
            F slope = V::load(g.slope + part), shift = V::load(g.shift + part);
            for (int64_t i = part; i < pixels * 16; i += 16) {
                __builtin_prefetch(g.x + i + floats_ahead, 0, 2);
                V::store(to + i, normalise_gradient<Rectifier, V>(V::load(dy + i), V::load(g.x + i), centre, gain,
                                                                  offset, slope, shift));
            }
        }
    }
};

}  // namespace

NormaliseGradientPixels* normalise_gradient_pixels(bool six) {
    return six ? kernel<Pixels<Relu6>, NormaliseGradientPixels>() : kernel<Pixels<Relu>, NormaliseGradientPixels>();
}

}  // namespace hemp
