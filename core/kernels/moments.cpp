#include "core/kernels/moments.h"

#include "core/kernels/dispatch.h"

#include <algorithm>

namespace hemp {
namespace {

/// Pixels whose squares are summed up before they leave L1.
constexpr int64_t tile = 64;

/// The sum of value(0) to value(count - 1), in four sums side by side: one would wait for each addition.
template <class V, class Value>
HEMP_INLINE typename V::Float sum_of(int64_t count, const Value& value) {
    typename V::Float sums[4] = {};
    int64_t           i       = 0;
    for (; i + 4 <= count; i += 4) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
            sums[j] += value(i + j);
        }
    }
    for (; i < count; ++i) {
        sums[0] += value(i);
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Functors, since a lambda in a kernel does not inherit its instruction set.

template <class V>
struct ValueAt {
    const float* x;
    int64_t      stride;

    HEMP_INLINE typename V::Float operator()(int64_t i) const { return V::load(x + i * stride); }
};

template <class V>
struct SquareAt {
    ValueAt<V>        value;
    typename V::Float mean;

    HEMP_INLINE typename V::Float operator()(int64_t i) const {
        typename V::Float difference = value(i) - mean;
        return difference * difference;
    }
};

struct Add {
    template <class V>
    HEMP_INLINE static void run(const float* x, int64_t pixels, int64_t stride, Moments& moments) {
        using F = typename V::Float;
        for (int64_t first = 0; first < pixels; first += tile) {
            int64_t count  = std::min(tile, pixels - first);
            auto    before = static_cast<float>(moments.count);
            auto    added  = static_cast<float>(count);
            F       share  = V::all(added / (before + added));
            F       weight = V::all(before * added / (before + added));
            F       each   = V::all(1 / added);
            for (int64_t part = 0; part < 16; part += V::width) {
                ValueAt<V> value{x + first * stride + part, stride};
                F          mean       = sum_of<V>(count, value) * each;
                F          squares    = sum_of<V>(count, SquareAt<V>{value, mean});
                F          known      = V::load(moments.mean + part);
                F          difference = mean - known;
                V::store(moments.mean + part, known + difference * share);
                V::store(moments.squares + part,
                         V::load(moments.squares + part) + (squares + difference * difference * weight));
            }
            moments.count += count;
        }
    }
};

}  // namespace

AddPixels* add_pixels() { return kernel<Add, AddPixels>(); }

}  // namespace hemp
