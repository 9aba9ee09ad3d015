#include "core/kernels/normalise.h"

#include "core/kernels/dispatch.h"

namespace hemp {
namespace {

struct Pixels {
    template <class V>
    HEMP_INLINE static void run(const Normalisation& normalisation, const float* from, int64_t pixels, float* to) {
        for (int64_t part = 0; part < 16; part += V::width) {
            NormalisationOf<V> normalise(normalisation, part);
            for (int64_t i = part; i < pixels * 16; i += 16) {
                V::store(to + i, normalise(V::load(from + i)));
            }
        }
    }
};

}  // namespace

NormalisePixels* normalise_pixels() { return kernel<Pixels, NormalisePixels>(); }

}  // namespace hemp
