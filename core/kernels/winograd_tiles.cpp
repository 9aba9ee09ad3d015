#include "core/kernels/winograd_tiles.h"

#include "core/kernels/dispatch.h"
#include "core/kernels/winograd_points.h"

#include <algorithm>

// Two-dimensional transforms are those of core/kernels/winograd_points.h, along columns, then along rows.
namespace hemp {
namespace {

using namespace winograd;

// --- tiles

/// Where the tiles of a range lie.
struct Position {
    const TileRange& range;
    int64_t          image, row, column;  // of the image; row and column of tiles

    HEMP_INLINE explicit Position(const TileRange& tiles) : range(tiles) {
        int64_t columns = tiles.tile_columns();
        int64_t each    = tiles.tile_rows() * columns;
        image           = tiles.first / each;
        row             = tiles.first % each / columns;
        column          = tiles.first % columns;
    }
    /// `tiles` further in the same row of tiles, or at the start of the next row.
    HEMP_INLINE void advance(int64_t tiles) {
        column += tiles;
        if (column == range.tile_columns()) {
            column = 0;
            if (++row == range.tile_rows()) {
                row = 0;
                ++image;
            }
        }
    }
};

// Tiles in a row are transformed together, in strips: first the columns, which neighbouring tiles share, then the rows.

constexpr int64_t strip_tiles = 8;

/// Asks for a pixel in each of four rows that the next row of tiles uses: they come from memory while this one is
/// computed (a third of the time with 16 channels). Addresses beyond the images do no harm.
HEMP_INLINE void prefetch_rows(const float* pixel, int64_t row_stride) {
#pragma GCC      unroll 4
    for (int i = 0; i < 4; ++i) {
             __builtin_prefetch(pixel + i * row_stride, 0, 2);
    }
}

// What happens to a vector of a pixel as it is read. What lies outside of the image stays zero.

template <class V>
struct AsItIs {
    HEMP_INLINE typename V::Float operator()(typename V::Float value, int64_t, bool) const { return value; }
};

template <class V>
struct Normalised {
    const Normalisation& normalisation;

    HEMP_INLINE typename V::Float operator()(typename V::Float value, int64_t lane, bool inside) const {
        return inside ? NormalisationOf<V>(normalisation, lane)(value) : value;
    }
};

/// The columns of Size x Size values with `border` lines above and to the left of the tile: `columns` columns from
/// `left` on, zero outside the image.
template <class V, int Size, int64_t Columns, class Read>
HEMP_INLINE void transform_columns(const float* image, const TileRange& range, int64_t top, int64_t left,
                                   int64_t columns, float (&strip)[6][Columns * 16], const Read& read) {
    static constexpr float zeros[Columns * 16] = {};

    int64_t      first = std::max<int64_t>(0, -left);
    int64_t      last  = std::min(columns, range.width - left);
    const float* rows[Size];
    bool         inside[Size];
    for (int64_t i = 0; i < Size; ++i) {
        inside[i] = top + i >= 0 && top + i < range.height;
        rows[i]   = inside[i] ? image + ((top + i) * range.width + left) * 16 : zeros;
    }
    const float* below = image + ((top + Size) * range.width + left) * 16;
    for (int64_t i = 0; i < 6; ++i) {
        std::fill_n(strip[i], first * 16, 0.0f);
        std::fill_n(strip[i] + last * 16, (columns - last) * 16, 0.0f);
    }
    for (int64_t column = first * 16; column < last * 16; column += 16) {
        prefetch_rows(below + column, range.width * 16);
        for (int64_t at = column; at < column + 16; at += V::width) {
            typename V::Float d[Size], v[6];
#pragma GCC unroll 6
            for (int i = 0; i < Size; ++i) {
                d[i] = read(V::load(rows[i] + at), at % 16, inside[i]);
            }
            to_points<V>(d, v);
#pragma GCC unroll 6
            for (int i = 0; i < 6; ++i) {
                V::store(strip[i] + at, v[i]);
            }
        }
    }
}

/// Tiles of which each depends on Size x Size values, 4 apart, with the first (Size - 4) / 2 before the tile.
template <int Size>
struct ToPoints {
    template <class V>
    HEMP_INLINE static void run(const TileRange& range, const float* x, const Normalisation& normalisation,
                                const PointLayout& layout, float* to) {
        constexpr int64_t border = (Size - 4) / 2;
        constexpr int64_t width  = strip_tiles * 4 + 2 * border;
        int64_t           stride = layout.point_stride();
        int64_t           plane  = range.height * range.width * 16;
        alignas(64) float strip[6][width * 16];
        for (int64_t block = 0; block < layout.blocks; ++block) {
            Normalisation of_block = normalisation.from_block(block);
            Position      at(range);
            for (int64_t tile = 0, count = 0; tile < range.count; tile += count, at.advance(count)) {
                count               = std::min({strip_tiles, range.count - tile, range.tile_columns() - at.column});
                const float* image  = x + at.image * range.image_stride + block * plane;
                int64_t      top    = at.row * 4 - border;
                int64_t      left   = at.column * 4 - border;
                int64_t      across = count * 4 + 2 * border;
                if (of_block) {
                    transform_columns<V, Size, width>(image, range, top, left, across, strip, Normalised<V>{of_block});
                } else {
                    transform_columns<V, Size, width>(image, range, top, left, across, strip, AsItIs<V>());
                }
                for (int64_t i = 0; i < 6; ++i) {
                    float* row = to + block * layout.block_stride() + tile * 16 + i * 6 * stride;
                    for (int64_t lane = 0; lane < count * 16; lane += V::width) {
                        const float*      from = strip[i] + lane / 16 * 64 + lane % 16;
                        typename V::Float d[Size], v[6];
#pragma GCC unroll 6
                        for (int j = 0; j < Size; ++j) {
                            d[j] = V::load(from + j * 16);
                        }
                        to_points<V>(d, v);
#pragma GCC unroll 6
                        for (int j = 0; j < 6; ++j) {
                            V::store(row + lane + j * stride, v[j]);
                        }
                    }
                }
            }
        }
    }
};

struct Results {
    template <class V>
    HEMP_INLINE static void run(const TileRange& range, const float* from, const PointLayout& layout, float* y,
                                const Finish& finish) {
        int64_t           stride = layout.point_stride();
        int64_t           plane  = range.height * range.width * 16;
        alignas(64) float strip[6][strip_tiles * 64];
        for (int64_t block = 0; block < layout.blocks; ++block) {
            Position at(range);
            for (int64_t tile = 0, count = 0; tile < range.count; tile += count, at.advance(count)) {
                count = std::min({strip_tiles, range.count - tile, range.tile_columns() - at.column});
                for (int64_t i = 0; i < 6; ++i) {
                    const float* row = from + block * layout.block_stride() + tile * 16 + i * 6 * stride;
                    for (int64_t lane = 0; lane < count * 16; lane += V::width) {
                        typename V::Float m[6], results[4];
#pragma GCC unroll 6
                        for (int j = 0; j < 6; ++j) {
                            m[j] = V::load(row + lane + j * stride);
                        }
                        from_points<V>(m, results);
                        float* to = strip[i] + lane / 16 * 64 + lane % 16;
#pragma GCC unroll 4
                        for (int j = 0; j < 4; ++j) {
                            V::store(to + j * 16, results[j] * number<V>(result_scale[j]));
                        }
                    }
                }
                int64_t start =
                    at.image * range.image_stride + block * plane + (at.row * 4 * range.width + at.column * 4) * 16;
                float*  to      = y + start;
                Finish  here    = finish.at(block, start);
                int64_t rows    = std::min<int64_t>(4, range.height - at.row * 4);
                int64_t columns = std::min(count * 4, range.width - at.column * 4);
                for (int64_t column = 0; column < columns * 16; column += 16) {
                    prefetch_rows(to + 4 * range.width * 16 + column, range.width * 16);
                    for (int64_t at = column; at < column + 16; at += V::width) {
                        typename V::Float m[6], results[4];
#pragma GCC unroll 6
                        for (int i = 0; i < 6; ++i) {
                            m[i] = V::load(strip[i] + at);
                        }
                        from_points<V>(m, results);
#pragma GCC unroll 4
                        for (int i = 0; i < 4; ++i) {
                            if (i < rows) {
                                float*            pixel  = to + i * range.width * 16 + at;
                                typename V::Float result = results[i] * number<V>(result_scale[i]);
                                if (here.bias != nullptr) {
                                    result += V::load(here.bias + at % 16);
                                }
                                if (here.addend != nullptr) {
                                    result += V::load(here.addend + (pixel - to));
                                }
                                V::store(pixel, here.bounded<V>(result));
                            }
                        }
                    }
                }
            }
        }
    }
};

// --- filters

struct Weights {
    template <class V>
    HEMP_INLINE static void run(int64_t count, const float* g, float* u, int64_t stride) {
        using F = typename V::Float;
        for (int64_t at = 0; at < count * 16; at += V::width) {
            const float* from = g + at / 16 * 144 + at % 16;
            F            rows[3][6];
#pragma GCC unroll 3
            for (int i = 0; i < 3; ++i) {
                const float* row   = from + i * 48;
                F            g3[3] = {V::load(row), V::load(row + 16), V::load(row + 32)};
                to_points<V>(g3, rows[i]);
            }
#pragma GCC unroll 6
            for (int j = 0; j < 6; ++j) {
                F column[3] = {rows[0][j], rows[1][j], rows[2][j]};
                F values[6];
                to_points<V>(column, values);
#pragma GCC unroll 6
                for (int i = 0; i < 6; ++i) {
                    V::store(u + at + (i * 6 + j) * stride, values[i] * number<V>(filter_scale[i] * filter_scale[j]));
                }
            }
        }
    }
};

struct WeightGradients {
    template <class V>
    HEMP_INLINE static void run(int64_t count, const float* du, int64_t stride, float* dg) {
        using F = typename V::Float;
        for (int64_t at = 0; at < count * 16; at += V::width) {
            float* to = dg + at / 16 * 144 + at % 16;
            F      columns[6][3];
#pragma GCC unroll 6
            for (int j = 0; j < 6; ++j) {
                F values[6];
#pragma GCC unroll 6
                for (int i = 0; i < 6; ++i) {
                    values[i] = V::load(du + at + (i * 6 + j) * stride);
                }
                from_points<V>(values, columns[j]);
            }
#pragma GCC unroll 3
            for (int i = 0; i < 3; ++i) {
                F values[6], taps[3];
#pragma GCC unroll 6
                for (int j = 0; j < 6; ++j) {
                    values[j] = columns[j][i];
                }
                from_points<V>(values, taps);
#pragma GCC unroll 3
                for (int j = 0; j < 3; ++j) {
                    V::store(to + (i * 3 + j) * 16, taps[j] * number<V>(tap_scale[i] * tap_scale[j]));
                }
            }
        }
    }
};

}  // namespace

WinogradTransforms winograd_transforms(InstructionSet set) {
    return {.inputs    = kernel<ToPoints<6>, WinogradTransforms::Forth>(set),
            .gradients = kernel<ToPoints<4>, WinogradTransforms::Forth>(set),
            .results =
                kernel<Results, void(const TileRange&, const float*, const PointLayout&, float*, const Finish&)>(set),
            .weights          = kernel<Weights, void(int64_t, const float*, float*, int64_t)>(set),
            .weight_gradients = kernel<WeightGradients, void(int64_t, const float*, int64_t, float*)>(set)};
}

}  // namespace hemp
