#include "core/kernels/normalise_gradient.h"

#include "core/kernels/dispatch.h"

namespace hemp {
namespace {

/// From a pixel of x to what is brought to L2 meanwhile: in large images rows follow one another.
constexpr int64_t floats_ahead = 2048;

template <class Rectifier>
struct OfPixels {
    template <class V>
    HEMP_INLINE static void run(const NormaliseGradient& g, const float* dy, int64_t pixels, float* to) {
        using F                = typename V::Float;
        const Normalisation& n = g.batch_norm;
        for (int64_t part = 0; part < 16; part += V::width) {
            F centre = V::load(n.centre + part), gain = V::load(n.gain + part), offset = V::load(n.offset + part);
            F slope = V::load(g.slope + part), shift = V::load(g.shift + part);
            for (int64_t i = part; i < pixels * 16; i += 16) {
                if (part == 0) {
                    __builtin_prefetch(g.x + i + floats_ahead, 0, 2);
                }
                V::store(to + i, normalise_gradient<Rectifier, V>(V::load(dy + i), V::load(g.x + i), centre, gain,
                                                                  offset, slope, shift));
            }
        }
    }
};

}  // namespace

NormaliseGradientPixels* normalise_gradient_pixels(bool six) {
    return six ? kernel<OfPixels<Relu6>, NormaliseGradientPixels>() : kernel<OfPixels<Relu>, NormaliseGradientPixels>();
}

}  // namespace hemp
