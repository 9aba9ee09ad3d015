#include "core/kernels/direct_conv.h"

#include "core/kernels/dispatch.h"

#include <algorithm>
#include <utility>

namespace hemp {
namespace {

template <class V>
constexpr int parts = static_cast<int>(channel_block) / V::width;

/// Sums that the registers hold beside the operands: 28 of 32 for AVX-512, 12 of 16.
template <class V>
constexpr int most_sums = V::width == 16 ? 28 : 12;

/// Distances of pixels that have kernels of their own, whose loads need no address arithmetic; 0 for all others.
constexpr int64_t known_pixels[] = {16, 32, 1, 0};

// --- y = sum over taps

constexpr int in_l1 = 3, in_l2 = 2;  // as __builtin_prefetch says it

/// Step i of so many that bring a tile's input nearer, a line of the cache a pixel. The hardware does not foresee that
/// the next segment of taps lies elsewhere: products of 1 x 1 kernels, 256 channels, went from 94 to 107 Gflop/s.
template <int Rows, int Columns, int Locality>
HEMP_INLINE void prefetch_pixels(const float* pixels, int64_t row_floats, int64_t i, int64_t steps) {
    for (int64_t column = i; column < Columns; column += steps) {
        for (int row = 0; row < Rows; ++row) {
            __builtin_prefetch(pixels + row * row_floats + column * channel_block, 0, Locality);
        }
    }
}

template <int Rows, int Columns, int Pixel>
struct Tile {
    template <class V>
    HEMP_INLINE static void run(const DirectRegion& g, const float* x, float* y) {
        if constexpr (Rows * Columns * parts<V> <= most_sums<V>) {
            using F                               = typename V::Float;
            F       sums[Rows][Columns][parts<V>] = {};
            int64_t pixel                         = Pixel ? Pixel : g.x_pixel;
            if (g.finish.bias != nullptr) {
#pragma GCC unroll 4
                for (int part = 0; part < parts<V>; ++part) {
                    F bias = V::load(g.finish.bias + part * V::width);
#pragma GCC unroll 8
                    for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 32
                        for (int column = 0; column < Columns; ++column) {
                            sums[row][column][part] = bias;
                        }
                    }
                }
            }
            for (int64_t segment = 0; segment < g.segments; ++segment) {
                const float* first   = x + g.offsets[segment];
                const float* next    = x + g.offsets[std::min(segment + 1, g.segments - 1)];
                const float* ahead   = g.ahead == nullptr ? nullptr : g.ahead + (x - g.x) + segment * g.ahead_segment;
                const float* weights = g.weights + segment * g.length * channel_block;
                int64_t      length  = segment < g.segments - g.short_segments ? g.length : g.short_length;
                for (int64_t i = 0; i < length; ++i) {
                    if constexpr (Pixel == channel_block) {
                        prefetch_pixels<Rows, Columns, in_l1>(next, g.x_row, i, length);
                        if (ahead != nullptr) {
                            prefetch_pixels<Rows, Columns, in_l2>(ahead, g.x_row, i, length);
                        }
                    }
                    F weight[parts<V>];
#pragma GCC unroll 4
                    for (int part = 0; part < parts<V>; ++part) {
                        weight[part] = V::load(weights + part * V::width);
                    }
#pragma GCC unroll 8
                    for (int row = 0; row < Rows; ++row) {
                        const float* from = first + row * g.x_row + i;
#pragma GCC unroll 32
                        for (int column = 0; column < Columns; ++column) {
                            F factor = V::all(from[column * pixel]);
#pragma GCC unroll 4
                            for (int part = 0; part < parts<V>; ++part) {
                                sums[row][column][part] += factor * weight[part];
                            }
                        }
                    }
                    weights += channel_block;
                }
            }
            if (g.finish.addend != nullptr) {
                const float* addend = g.finish.addend + (y - g.y);
#pragma GCC unroll 8
                for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 32
                    for (int column = 0; column < Columns; ++column) {
#pragma GCC unroll 4
                        for (int part = 0; part < parts<V>; ++part) {
                            sums[row][column][part] +=
                                V::load(addend + row * g.y_row + column * g.y_pixel + part * V::width);
                        }
                    }
                }
            }
#pragma GCC unroll 8
            for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 32
                for (int column = 0; column < Columns; ++column) {
#pragma GCC unroll 4
                    for (int part = 0; part < parts<V>; ++part) {
                        V::store(y + row * g.y_row + column * g.y_pixel + part * V::width,
                                 g.finish.bounded<V>(sums[row][column][part]));
                    }
                }
            }
        }
    }
};

using TileKernel = void(const DirectRegion&, const float*, float*);

/// Kernels by rows (1, 2, 4) and columns for pixels at one distance; null where there is none. Widths are those that
/// rows of usual images are cut into with little left over: each is a function of its own for each instruction set.
struct Tiles {
    TileKernel* by_size[3][most_sums<Avx512> + 1] = {};

    TileKernel* get(int64_t rows, int64_t columns) const { return by_size[rows / 2][columns]; }

    /// The least width of at least `columns`, at most `most`, that has a kernel; 0 where there is none.
    int64_t width(int64_t rows, int64_t columns, int64_t most) const {
        for (; columns <= std::min<int64_t>(most, most_sums<Avx512>); ++columns) {
            if (get(rows, columns) != nullptr) {
                return columns;
            }
        }
        return 0;
    }
};

using Widths = std::integer_sequence<int, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 22, 24, 25, 26, 28>;

template <class V, int Rows, int Pixel, int... columns>
void add_tiles(Tiles& tiles, std::integer_sequence<int, columns...>) {
    auto add = [&]<int width>(std::integral_constant<int, width>) {
        if constexpr (Rows * width * parts<V> <= most_sums<V>) {
            tiles.by_size[Rows / 2][width] = kernel<Tile<Rows, width, Pixel>, TileKernel>(V::set);
        }
    };
    (add(std::integral_constant<int, columns>()), ...);
}

template <class V, int Pixel>
Tiles make_tiles() {
    Tiles tiles;
    add_tiles<V, 1, Pixel>(tiles, Widths());
    if constexpr (Pixel == channel_block) {
        add_tiles<V, 2, Pixel>(tiles, Widths());
        add_tiles<V, 4, Pixel>(tiles, Widths());
    }
    return tiles;
}

template <class V>
const Tiles& tiles_for(int64_t pixel) {
    static const Tiles made[] = {make_tiles<V, 16>(), make_tiles<V, 32>(), make_tiles<V, 1>(), make_tiles<V, 0>()};
    return made[std::find(std::begin(known_pixels), std::end(known_pixels) - 1, pixel) - std::begin(known_pixels)];
}

/// Rows of a tile for a region: more than one where its width alone would leave registers unused.
template <class V>
int64_t rows_of_tile(const Tiles& kernels, const DirectRegion& g) {
    constexpr int64_t half = most_sums<V> / 2 / parts<V>;
    int64_t           rows = 1;
    while (rows < 4 && 2 * rows <= g.rows && g.columns * rows <= half &&
           kernels.width(2 * rows, g.columns, g.columns) > 0) {
        rows *= 2;
    }
    return rows;
}

/// Into how many tiles a row of columns is cut: so that the tiles, each as wide as the next kernel there is, compute
/// the fewest columns twice. A tile's sums are kept and written once more for it, which costs about a column.
int64_t tiles_of_row(const Tiles& kernels, int64_t rows, int64_t columns, int64_t most) {
    constexpr int64_t tile_cost = 1;
    int64_t           best = 0, least = 0;
    for (int64_t width = std::min(columns, most); width > 0; --width) {
        int64_t tiles = (columns + width - 1) / width;
        int64_t cost  = tiles * (width + tile_cost);
        if (kernels.get(rows, width) != nullptr && (best == 0 || cost < least)) {
            best  = tiles;
            least = cost;
        }
    }
    return best;
}

/// Columns are cut into tiles of nearly equal size; where there is no kernel of that size, tiles overlap, and values
/// are computed again. Rows that are left over get tiles of fewer rows.
template <class V>
void convolve(const DirectRegion& g) {
    if (g.rows == 0 || g.columns == 0) {
        return;
    }
    const Tiles& kernels = tiles_for<V>(g.x_pixel);
    int64_t      rows    = rows_of_tile<V>(kernels, g);
    int64_t      tiles   = tiles_of_row(kernels, rows, g.columns, most_sums<V> / parts<V> / rows);
    for (int64_t row = 0; row < g.rows; row += rows) {
        while (rows > g.rows - row) {
            rows /= 2;
        }
        for (int64_t tile = 0; tile < tiles; ++tile) {
            int64_t left  = g.columns * tile / tiles;
            int64_t width = kernels.width(rows, g.columns * (tile + 1) / tiles - left, g.columns);
            left          = std::min(left, g.columns - width);
            kernels.get(rows, width)(g, g.x + row * g.x_row + left * g.x_pixel, g.y + row * g.y_row + left * g.y_pixel);
        }
    }
}

// --- total = sum over pixels

/// A pixel of x and one of dy are two lines from L2 for 16 sums.
constexpr int64_t pixels_ahead = 8;

/// Offsets that are known to be 0, 1, 2 ... need not be looked up.
template <int Factors, bool Consecutive>
struct Sums {
    template <class V>
    HEMP_INLINE static void run(const DirectSums& g, const int64_t* offsets, float* total) {
        if constexpr (Factors * parts<V> <= most_sums<V>) {
            using F                              = typename V::Float;
            F            sums[Factors][parts<V>] = {};
            const float* x0                      = g.x + (Consecutive ? offsets[0] : 0);
            for (int64_t row = 0; row < g.rows; ++row) {
                const float* x     = x0 + row * g.x_row;
                const float* dy    = g.dy + row * g.dy_row;
                const float* ahead = g.ahead == nullptr ? nullptr : g.ahead + row * g.ahead_row;
                for (int64_t column = 0; column < g.columns; ++column) {
                    __builtin_prefetch(x + pixels_ahead * g.x_pixel);
                    __builtin_prefetch(dy + pixels_ahead * g.dy_pixel);
                    if (ahead != nullptr) {
                        __builtin_prefetch(ahead + column * channel_block, 0, in_l2);
                    }
                    F values[parts<V>];
#pragma GCC unroll 4
                    for (int part = 0; part < parts<V>; ++part) {
                        values[part] = V::load(dy + part * V::width);
                    }
#pragma GCC unroll 32
                    for (int i = 0; i < Factors; ++i) {
                        F factor = V::all(x[Consecutive ? i : offsets[i]]);
#pragma GCC unroll 4
                        for (int part = 0; part < parts<V>; ++part) {
                            sums[i][part] += factor * values[part];
                        }
                    }
                    x += g.x_pixel;
                    dy += g.dy_pixel;
                }
            }
#pragma GCC unroll 32
            for (int i = 0; i < Factors; ++i) {
#pragma GCC unroll 4
                for (int part = 0; part < parts<V>; ++part) {
                    float* target = total + i * channel_block + part * V::width;
                    V::store(target, V::load(target) + sums[i][part]);
                }
            }
        }
    }
};

using SumsKernel = void(const DirectSums&, const int64_t*, float*);

struct SumsChoice {
    int64_t     factors;
    SumsKernel* consecutive;
    SumsKernel* scattered;
};

template <class V, int Factors>
SumsChoice sums_choice() {
    return {Factors, kernel<Sums<Factors, true>, SumsKernel>(V::set), kernel<Sums<Factors, false>, SumsKernel>(V::set)};
}

template <class V>
const auto& sums_choices() {
    if constexpr (V::width == 16) {
        static const SumsChoice made[] = {sums_choice<V, 28>(), sums_choice<V, 16>(), sums_choice<V, 9>(),
                                          sums_choice<V, 8>(),  sums_choice<V, 4>(),  sums_choice<V, 2>(),
                                          sums_choice<V, 1>()};
        return made;
    } else {
        static const SumsChoice made[] = {sums_choice<V, 12 / parts<V>>(), sums_choice<V, 8 / parts<V>>(),
                                          sums_choice<V, 4 / parts<V>>(), sums_choice<V, 1>()};
        return made;
    }
}

template <class V>
void sum_over_pixels(const DirectSums& whole) {
    DirectSums g = whole;
    if (g.x_row == g.columns * g.x_pixel && g.dy_row == g.columns * g.dy_pixel &&
        (g.ahead == nullptr || g.ahead_row == g.columns * channel_block)) {
        g.columns *= g.rows;
        g.rows = 1;
    }
    for (int64_t done = 0; done < g.factors;) {
        const SumsChoice* best        = &*std::find_if(std::begin(sums_choices<V>()), std::end(sums_choices<V>()),
                                                       [&](const SumsChoice& c) { return c.factors <= g.factors - done; });
        const int64_t*    offsets     = g.offsets + done;
        bool              consecutive = offsets[best->factors - 1] - offsets[0] == best->factors - 1;
        for (int64_t i = 1; i < best->factors; ++i) {
            consecutive = consecutive && offsets[i] == offsets[0] + i;
        }
        (consecutive ? best->consecutive : best->scattered)(g, offsets, g.total + done * channel_block);
        done += best->factors;
    }
}

}  // namespace

const DirectConv& direct_conv() {
    static constexpr DirectConv avx512{convolve<Avx512>, sum_over_pixels<Avx512>};
    static constexpr DirectConv avx2{convolve<Avx2>, sum_over_pixels<Avx2>};
    static constexpr DirectConv baseline{convolve<Baseline>, sum_over_pixels<Baseline>};
    return kernels_in_use(baseline, avx2, avx512);
}

}  // namespace hemp
