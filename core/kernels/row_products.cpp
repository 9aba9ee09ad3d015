#include "core/kernels/row_products.h"

#include "core/kernels/dispatch.h"

#include <algorithm>

namespace hemp {
namespace {

constexpr int lanes = 16;

/// Rows and columns of the block of c that is held in registers.
template <class V>
constexpr int block_rows = V::width == 16  ? 5
                           : V::width == 8 ? 3
                                           : 1;
template <class V>
constexpr int block_columns = V::width == 16 ? 5 : 2;

/// sums += the products of `Rows` rows of a, `a_row` apart, with `Columns` rows of b, at `offsets`: 16 values of each.
template <class V, int Rows, int Columns, int Parts>
HEMP_INLINE void add_products(const float* a, int64_t a_row, const float* b, const int64_t* offsets,
                              typename V::Float (&sums)[Rows][Columns][Parts]) {
#pragma GCC      unroll 4
    for (int part = 0; part < Parts; ++part) {
             typename V::Float right[Columns];
#pragma GCC unroll 8
        for (int j = 0; j < Columns; ++j) {
            right[j] = V::load(b + offsets[j] + part * V::width);
        }
#pragma GCC unroll 8
        for (int i = 0; i < Rows; ++i) {
            typename V::Float left = V::load(a + i * a_row + part * V::width);
#pragma GCC unroll 8
            for (int j = 0; j < Columns; ++j) {
                sums[i][j][part] += left * right[j];
            }
        }
    }
}

/// Sum of 16 lanes, halved four times.
HEMP_INLINE float total(float* values) {
#pragma GCC       unroll 4
    for (int half = lanes / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
        for (int i = 0; i < half; ++i) {
            values[i] += values[i + half];
        }
    }
    return values[0];
}

template <class V, int Rows, int Columns>
HEMP_INLINE void block(const RowProducts& p, int64_t row, int64_t column, bool accumulate) {
    constexpr int     parts                      = lanes / V::width;
    typename V::Float sums[Rows][Columns][parts] = {};
    int64_t           offsets[Columns];
    for (int j = 0; j < Columns; ++j) {
        offsets[j] = p.b_offsets[column + j];
    }
    const float* a     = p.a + row * p.a_row;
    int64_t      whole = p.length / lanes * lanes;
    for (int64_t repeat = 0; repeat < p.repeats; ++repeat) {
        for (int64_t at = 0; at < whole; at += lanes) {
            add_products<V, Rows, Columns, parts>(a + repeat * p.a_repeat + at, p.a_row, p.b + repeat * p.b_repeat + at,
                                                  offsets, sums);
        }
    }
    // The values after the last 16 of each row, filled up with zeros.
    for (int64_t repeat = 0; repeat < p.repeats && whole < p.length; ++repeat) {
        float   rest_a[Rows * lanes] = {}, rest_b[Columns * lanes] = {};
        int64_t rest_offsets[Columns];
        for (int i = 0; i < Rows; ++i) {
            const float* from = a + repeat * p.a_repeat + i * p.a_row;
            std::copy(from + whole, from + p.length, rest_a + i * lanes);
        }
        for (int j = 0; j < Columns; ++j) {
            const float* from = p.b + repeat * p.b_repeat + offsets[j];
            std::copy(from + whole, from + p.length, rest_b + j * lanes);
            rest_offsets[j] = j * lanes;
        }
        add_products<V, Rows, Columns, parts>(rest_a, lanes, rest_b, rest_offsets, sums);
    }
    for (int i = 0; i < Rows; ++i) {
        float* c = p.c + (row + i) * p.columns + column;
        for (int j = 0; j < Columns; ++j) {
            float values[lanes];
            for (int part = 0; part < parts; ++part) {
                V::store(values + part * V::width, sums[i][j][part]);
            }
            float sum = total(values);
            c[j]      = accumulate ? c[j] + sum : sum;
        }
    }
}

template <class V, int Rows>
HEMP_INLINE void strip(const RowProducts& p, int64_t row, bool accumulate) {
    int64_t column = 0;
    for (; column + block_columns<V> <= p.columns; column += block_columns<V>) {
        block<V, Rows, block_columns<V>>(p, row, column, accumulate);
    }
    for (; column < p.columns; ++column) {
        block<V, Rows, 1>(p, row, column, accumulate);
    }
}

struct Multiply {
    template <class V>
    HEMP_INLINE static void run(const RowProducts& p, bool accumulate) {
        int64_t row = 0;
        for (; row + block_rows<V> <= p.rows; row += block_rows<V>) {
            strip<V, block_rows<V>>(p, row, accumulate);
        }
        for (; row < p.rows; ++row) {
            strip<V, 1>(p, row, accumulate);
        }
    }
};

}  // namespace

void sum_row_products(const RowProducts& products, bool accumulate) {
    kernel<Multiply, void(const RowProducts&, bool)>()(products, accumulate);
}

}  // namespace hemp
