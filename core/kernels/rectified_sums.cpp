#include "core/kernels/rectified_sums.h"

#include "core/kernels/dispatch.h"
#include "core/kernels/rectifier.h"

#include <algorithm>

namespace hemp {
namespace {

/// Pixels that are summed up in float.
constexpr int64_t tile = 64;
/// Sums side by side: one would wait for each addition.
constexpr int64_t beside = 4;

template <class Rectifier>
struct Add {
    template <class V>
    HEMP_INLINE static void run(const float* dy, const float* x, int64_t pixels, const Normalisation& normalisation,
                                RectifiedSums& sums) {
        using F = typename V::Float;
        for (int64_t first = 0; first < pixels; first += tile) {
            int64_t count = std::min(tile, pixels - first);
            for (int64_t part = 0; part < 16; part += V::width) {
                F centre           = V::load(normalisation.centre + part);
                F gain             = V::load(normalisation.gain + part);
                F offset           = V::load(normalisation.offset + part);
                F passed[beside]   = {};
                F products[beside] = {};
                for (int64_t i = 0; i < count; i += beside) {
#pragma GCC unroll 4
                    for (int64_t j = 0; j < beside; ++j) {
                        if (i + j < count) {
                            int64_t at = (first + i + j) * 16 + part;
                            F       in = V::load(x + at);
                            F       out =
                                Rectifier::template gated<V>(normalised<V>(in, centre, gain, offset), V::load(dy + at));
                            passed[j] += out;
                            products[j] += out * (in - centre);
                        }
                    }
                }
                add_to<V>(passed, sums.dy + part);
                add_to<V>(products, sums.products + part);
            }
        }
    }

    template <class V>
    HEMP_INLINE static void add_to(const typename V::Float (&values)[beside], double* sums) {
        float each[V::width];
        V::store(each, (values[0] + values[1]) + (values[2] + values[3]));
        for (int i = 0; i < V::width; ++i) {
            sums[i] += static_cast<double>(each[i]);
        }
    }
};

}  // namespace

AddRectified* add_rectified(bool six) {
    return six ? kernel<Add<Relu6>, AddRectified>() : kernel<Add<Relu>, AddRectified>();
}

}  // namespace hemp
