#include "core/kernels/gemm.h"

#include "core/kernels/dispatch.h"

#include <algorithm>
#include <utility>

namespace hemp {
namespace {

/// Rows of the register tile, two vectors wide: accumulators, two vectors of b and one of a fill the registers.
template <class V>
constexpr int max_rows = V::width == 16  ? 14
                         : V::width == 8 ? 6
                                         : 4;

template <class V>
constexpr int64_t panel_width = 2 * V::width;

/// m rows are cut into panels of nearly equal height, so that none is mostly padding.
template <class V>
HEMP_INLINE int64_t panels_of(int64_t m) {
    return (m + max_rows<V> - 1) / max_rows<V>;
}

/// Rows of b one after another, in a panel.
template <class V>
struct PackedRows {
    const float*             data;
    HEMP_INLINE const float* at(int64_t row) const { return data + row * panel_width<V>; }
};
/// Rows of b anywhere in memory.
struct ScatteredRows {
    const float*   data;
    const int64_t* offsets;

    HEMP_INLINE const float* at(int64_t row) const { return data + offsets[row]; }
};

/// c [Rows, Vectors * width] (+)= a panel [k, Rows] times k rows of b.
template <class V, int Rows, int Vectors, class RowsOfB>
HEMP_INLINE void tile(int64_t k, const float* a, RowsOfB b, float* c, int64_t row_stride, int64_t columns,
                      bool accumulate) {
    using F               = typename V::Float;
    F sums[Rows][Vectors] = {};
    for (int64_t step = 0; step < k; ++step) {
        const float* row = b.at(step);
        F            values[Vectors];
#pragma GCC unroll 2
        for (int j = 0; j < Vectors; ++j) {
            values[j] = V::load(row + j * V::width);
        }
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i) {
            F factor = V::all(a[i]);
#pragma GCC unroll 2
            for (int j = 0; j < Vectors; ++j) {
                sums[i][j] += factor * values[j];
            }
        }
        a += Rows;
    }
    bool whole = columns == Vectors * V::width;
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
        float* row = c + i * row_stride;
        if (whole) {
#pragma GCC unroll 2
            for (int j = 0; j < Vectors; ++j) {
                float* target = row + j * V::width;
                V::store(target, accumulate ? V::load(target) + sums[i][j] : sums[i][j]);
            }
        } else {
            float edge[Vectors * V::width];
#pragma GCC unroll 2
            for (int j = 0; j < Vectors; ++j) {
                V::store(edge + j * V::width, sums[i][j]);
            }
            for (int64_t column = 0; column < columns; ++column) {
                row[column] = accumulate ? row[column] + edge[column] : edge[column];
            }
        }
    }
}

template <int Rows, int Vectors>
struct Tile {
    template <class V>
    HEMP_INLINE static void run(int64_t k, const float* a, const float* b, const int64_t* offsets, float* c,
                                int64_t row_stride, int64_t columns, bool accumulate) {
        if constexpr (Rows > max_rows<V>) {
            return;
        } else if (offsets) {
            tile<V, Rows, Vectors>(k, a, ScatteredRows{b, offsets}, c, row_stride, columns, accumulate);
        } else {
            tile<V, Rows, Vectors>(k, a, PackedRows<V>{b}, c, row_stride, columns, accumulate);
        }
    }
};

using TileKernel = void(int64_t, const float*, const float*, const int64_t*, float*, int64_t, int64_t, bool);

/// Tile kernels by rows (1 to 14) and vectors (1 or 2), for one instruction set.
struct Tiles {
    TileKernel* by_rows[2][15];
};

template <class V, int... rows>
Tiles tiles(std::integer_sequence<int, rows...>) {
    return {{{nullptr, kernel<Tile<rows + 1, 1>, TileKernel>(V::set)...},
             {nullptr, kernel<Tile<rows + 1, 2>, TileKernel>(V::set)...}}};
}

template <class V>
const Tiles& tiles_of() {
    static const Tiles made = tiles<V>(std::make_integer_sequence<int, 14>());
    return made;
}

/// `b` is packed unless it has offsets.
template <class V>
void multiply_any(int64_t m, int64_t n, int64_t k, const float* packed_a, const float* b, const int64_t* offsets,
                  float* c, int64_t row_stride, bool accumulate) {
    const Tiles& kernels = tiles_of<V>();
    int64_t      panels  = panels_of<V>(m);
    if (k == 0 && !accumulate) {
        for (int64_t row = 0; row < m; ++row) {
            std::fill_n(c + row * row_stride, n, 0.0f);
        }
    }
    for (int64_t start = 0; start < k; start += Gemm::depth_block) {
        int64_t        depth = std::min(Gemm::depth_block, k - start);
        const int64_t* here  = offsets ? offsets + start : nullptr;
        for (int64_t column = 0; column < n; column += panel_width<V>) {
            int64_t      columns = std::min(panel_width<V>, n - column);
            const float* rows_b  = offsets ? b + column : b + column * k + start * panel_width<V>;
            for (int64_t panel = 0; panel < panels; ++panel) {
                int64_t      row  = m * panel / panels;
                int64_t      rows = m * (panel + 1) / panels - row;
                const float* a    = packed_a + row * k + start * rows;
                kernels.by_rows[columns > V::width][rows](depth, a, rows_b, here, c + row * row_stride + column,
                                                          row_stride, columns, accumulate || start > 0);
            }
        }
    }
}

template <class V>
void multiply(int64_t m, int64_t n, int64_t k, const float* packed_a, const float* packed_b, float* c,
              int64_t row_stride, bool accumulate) {
    multiply_any<V>(m, n, k, packed_a, packed_b, nullptr, c, row_stride, accumulate);
}

template <class V>
void multiply_rows(int64_t m, int64_t n, int64_t k, const float* packed_a, const float* b, const int64_t* offsets,
                   float* c, int64_t row_stride) {
    multiply_any<V>(m, n, k, packed_a, b, offsets, c, row_stride, false);
}

/// to[j, i] = from[i, j], in blocks of 4 x 4 exchanged in registers.
void transpose_into(const float* from, int64_t from_stride, int64_t rows, int64_t columns, float* to,
                    int64_t to_stride) {
    using Four            = Baseline::Float;
    int64_t whole_rows    = rows / 4 * 4;
    int64_t whole_columns = columns / 4 * 4;
    for (int64_t j = 0; j < whole_columns; j += 4) {
        for (int64_t i = 0; i < whole_rows; i += 4) {
            const float* source = from + i * from_stride + j;
            Four         a      = Baseline::load(source);
            Four         b      = Baseline::load(source + from_stride);
            Four         c      = Baseline::load(source + 2 * from_stride);
            Four         d      = Baseline::load(source + 3 * from_stride);
            Four         ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
            Four         ab_top = __builtin_shufflevector(a, b, 2, 6, 3, 7);
            Four         cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
            Four         cd_top = __builtin_shufflevector(c, d, 2, 6, 3, 7);
            float*       target = to + j * to_stride + i;
            Baseline::store(target, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
            Baseline::store(target + to_stride, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
            Baseline::store(target + 2 * to_stride, __builtin_shufflevector(ab_top, cd_top, 0, 1, 4, 5));
            Baseline::store(target + 3 * to_stride, __builtin_shufflevector(ab_top, cd_top, 2, 3, 6, 7));
        }
    }
    for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = i < whole_rows ? whole_columns : 0; j < columns; ++j) {
            to[j * to_stride + i] = from[i * from_stride + j];
        }
    }
}

template <class V>
void pack_a(MatrixView a, int64_t m, int64_t k, float* packed) {
    if (k == 0) {
        return;  // an empty matrix may have no memory to point into
    }
    int64_t panels = panels_of<V>(m);
    for (int64_t panel = 0; panel < panels; ++panel) {
        int64_t      row  = m * panel / panels;
        int64_t      rows = m * (panel + 1) / panels - row;
        const float* from = a.data + row * a.row_stride;
        float*       to   = packed + row * k;
        if (a.column_stride == 1) {
            transpose_into(from, a.row_stride, rows, k, to, rows);
            continue;
        }
        for (int64_t step = 0; step < k; ++step) {
            for (int64_t i = 0; i < rows; ++i) {
                to[step * rows + i] = from[i * a.row_stride + step * a.column_stride];
            }
        }
    }
}

template <class V>
void pack_b(MatrixView b, int64_t k, int64_t n, float* packed) {
    if (k == 0) {
        return;
    }
    constexpr int64_t width = panel_width<V>;
    for (int64_t column = 0; column < n; column += width) {
        int64_t      columns = std::min(width, n - column);
        const float* from    = b.data + column * b.column_stride;
        float*       to      = packed + column * k;
        if (b.row_stride == 1 && columns == width) {
            transpose_into(from, b.column_stride, width, k, to, width);
            continue;
        }
        for (int64_t step = 0; step < k; ++step) {
            if (b.column_stride == 1 && columns == width) {
                std::memcpy(to, from + step * b.row_stride, width * sizeof(float));
            } else {
                for (int64_t j = 0; j < columns; ++j) {
                    to[j] = from[step * b.row_stride + j * b.column_stride];
                }
            }
            std::fill_n(to + columns, width - columns, 0.0f);
            to += width;
        }
    }
}

template <class V>
const Gemm& gemm_of() {
    static const Gemm made{panel_width<V>, pack_a<V>, pack_b<V>, multiply<V>, multiply_rows<V>};
    return made;
}

}  // namespace

const Gemm& gemm() { return kernels_in_use(gemm_of<Baseline>(), gemm_of<Avx2>(), gemm_of<Avx512>()); }

}  // namespace hemp
