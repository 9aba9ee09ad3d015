#include "core/kernels/depthwise.h"

#include "core/kernels/dispatch.h"

#include <algorithm>
#include <utility>

namespace hemp {
namespace {

constexpr int lanes = 16;

template <class V>
constexpr int parts = lanes / V::width;

/// Pixels whose sums the registers hold beside the operands.
template <class V>
constexpr int most_pixels = 12 / parts<V>;

/// Brings a pixel of 16 floats to L2.
HEMP_INLINE void ask_for(const float* pixel) { __builtin_prefetch(pixel, 0, 2); }

/// From a pixel that is written to the one that is asked for meanwhile: a line is read before it is written. (To ask
/// for it with the intention to write, prefetchw, took longer.)
constexpr int64_t pixels_ahead = 64;

template <int Pixels>
struct Tile {
    template <class V>
    HEMP_INLINE static void run(const DepthwiseRegion& g, const float* x, float* y, const float* ahead) {
        if constexpr (Pixels <= most_pixels<V>) {
            for (int pixel = 0; ahead != nullptr && pixel < Pixels; ++pixel) {
                ask_for(ahead + pixel * lanes);
                ask_for(y + (pixel + pixels_ahead) * lanes);
            }
            typename V::Float sums[Pixels][parts<V>] = {};
            const float*      weights                = g.weights;
            if (g.finish.bias != nullptr) {
#pragma GCC unroll 4
                for (int part = 0; part < parts<V>; ++part) {
                    auto bias = V::load(g.finish.bias + part * V::width);
#pragma GCC unroll 12
                    for (int pixel = 0; pixel < Pixels; ++pixel) {
                        sums[pixel][part] = bias;
                    }
                }
            }
            for (int64_t row = 0; row < g.tap_rows; ++row) {
                const float* from = x + row * g.tap_row;
                for (int64_t column = 0; column < g.tap_columns; ++column) {
#pragma GCC unroll 4
                    for (int part = 0; part < parts<V>; ++part) {
                        auto weight = V::load(weights + part * V::width);
#pragma GCC unroll 12
                        for (int pixel = 0; pixel < Pixels; ++pixel) {
                            sums[pixel][part] += V::load(from + pixel * g.x_pixel + part * V::width) * weight;
                        }
                    }
                    from += lanes;
                    weights += lanes;
                }
            }
            if (g.finish.addend != nullptr) {
                const float* addend = g.finish.addend + (y - g.y);
#pragma GCC unroll 12
                for (int pixel = 0; pixel < Pixels; ++pixel) {
#pragma GCC unroll 4
                    for (int part = 0; part < parts<V>; ++part) {
                        sums[pixel][part] += V::load(addend + pixel * g.y_pixel + part * V::width);
                    }
                }
            }
#pragma GCC unroll 12
            for (int pixel = 0; pixel < Pixels; ++pixel) {
#pragma GCC unroll 4
                for (int part = 0; part < parts<V>; ++part) {
                    V::store(y + pixel * g.y_pixel + part * V::width, g.finish.bounded<V>(sums[pixel][part]));
                }
            }
        }
    }
};

using TileKernel = void(const DepthwiseRegion&, const float*, float*, const float*);

template <class V, int... pixel>
void convolve_in_tiles(const DepthwiseRegion& g, std::integer_sequence<int, pixel...>) {
    static TileKernel* const kernels[] = {kernel<Tile<pixel + 1>, TileKernel>(V::set)...};
    int64_t                  tiles     = (g.columns + most_pixels<V> - 1) / most_pixels<V>;
    for (int64_t row = 0; row < g.rows; ++row) {
        for (int64_t tile = 0; tile < tiles; ++tile) {
            int64_t left  = g.columns * tile / tiles;
            int64_t right = g.columns * (tile + 1) / tiles;
            kernels[right - left - 1](g, g.x + row * g.x_row + left * g.x_pixel, g.y + row * g.y_row + left * g.y_pixel,
                                      g.ahead == nullptr ? nullptr : g.ahead + (row * g.columns + left) * lanes);
        }
    }
}

template <class V>
void convolve(const DepthwiseRegion& g) {
    convolve_in_tiles<V>(g, std::make_integer_sequence<int, most_pixels<V>>());
}

/// Rows x Taps taps at once: independent sums, of which it needs several, since an addition waits for the one before.
template <int Rows, int Taps>
struct Sums {
    template <class V>
    HEMP_INLINE static void run(const DepthwiseSums& g, const float* x0, float* total, const float* ahead) {
        typename V::Float sums[Rows][Taps][parts<V>] = {};
        const float*      dy                         = g.dy;
        for (int64_t row = 0; row < g.rows; ++row) {
            const float* x = x0 + row * g.x_row;
            for (int64_t column = 0; column < g.columns; ++column) {
                if (ahead != nullptr) {
                    ask_for(ahead + (dy - g.dy));
                }
#pragma GCC unroll 4
                for (int part = 0; part < parts<V>; ++part) {
                    auto slope = V::load(dy + part * V::width);
#pragma GCC unroll 4
                    for (int tap_row = 0; tap_row < Rows; ++tap_row) {
#pragma GCC unroll 4
                        for (int tap = 0; tap < Taps; ++tap) {
                            sums[tap_row][tap][part] +=
                                V::load(x + tap_row * g.tap_row + tap * lanes + part * V::width) * slope;
                        }
                    }
                }
                x += g.x_pixel;
                dy += lanes;
            }
        }
#pragma GCC unroll 4
        for (int tap_row = 0; tap_row < Rows; ++tap_row) {
#pragma GCC unroll 4
            for (int tap = 0; tap < Taps; ++tap) {
#pragma GCC unroll 4
                for (int part = 0; part < parts<V>; ++part) {
                    float* target = total + (tap_row * g.tap_columns + tap) * lanes + part * V::width;
                    V::store(target, V::load(target) + sums[tap_row][tap][part]);
                }
            }
        }
    }
};

using SumsKernel = void(const DepthwiseSums&, const float*, float*, const float*);

template <class V>
void sum_over_pixels(const DepthwiseSums& g) {
    constexpr int together = 3;  // taps of a row, and rows where the registers suffice
    constexpr int rows     = together * together * parts<V> <= 12 ? together : 1;
    const float*  ahead    = g.ahead;
    for (int64_t row = 0; row < g.tap_rows;) {
        bool several = rows > 1 && row + rows <= g.tap_rows;
        for (int64_t column = 0; column < g.tap_columns;) {
            const float* x     = g.x + row * g.tap_row + column * lanes;
            float*       total = g.total + (row * g.tap_columns + column) * lanes;
            if (column + together <= g.tap_columns) {
                (several ? kernel<Sums<rows, together>, SumsKernel>(V::set)
                         : kernel<Sums<1, together>, SumsKernel>(V::set))(g, x, total, ahead);
                column += together;
            } else {
                (several ? kernel<Sums<rows, 1>, SumsKernel>(V::set) : kernel<Sums<1, 1>, SumsKernel>(V::set))(
                    g, x, total, ahead);
                ++column;
            }
            ahead = nullptr;  // once
        }
        row += several ? rows : 1;
    }
}

}  // namespace

const Depthwise& depthwise() {
    static constexpr Depthwise avx512{convolve<Avx512>, sum_over_pixels<Avx512>};
    static constexpr Depthwise avx2{convolve<Avx2>, sum_over_pixels<Avx2>};
    static constexpr Depthwise baseline{convolve<Baseline>, sum_over_pixels<Baseline>};
    return kernels_in_use(baseline, avx2, avx512);
}

}  // namespace hemp
