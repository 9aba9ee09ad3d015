#include "core/kernels/row_products.h"

#include "core/kernels/dispatch.h"

#include <algorithm>
#include <utility>

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
                              typename V::Float (&sums)[Rows * Columns][Parts]) {
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
                sums[i * Columns + j][part] += left * right[j];
            }
        }
    }
}

/// Two vectors in groups of 2 Half lanes: for each group the sum of its halves, those of `a` first.
template <class V, int Half, int... i>
HEMP_INLINE typename V::Float add_halves(typename V::Float a, typename V::Float b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (i / Half * 2 * Half + i % Half)...) +
           __builtin_shufflevector(a, b, (i / Half * 2 * Half + i % Half + Half)...);
}

/// The sums over the lanes of Count vectors, in one vector: pairs are halved together, so that none is mostly empty.
template <class V, int Count>
HEMP_INLINE typename V::Float sums_of_lanes(const typename V::Float (&vectors)[Count]) {
    if constexpr (Count == 1) {
        return vectors[0];
    } else {
        typename V::Float halves[Count / 2];
#pragma GCC unroll 16
        for (int i = 0; i < Count / 2; ++i) {
            halves[i] = add_halves<V, Count / 2>(vectors[2 * i], vectors[2 * i + 1],
                                                 std::make_integer_sequence<int, V::width>());
        }
        return sums_of_lanes<V, Count / 2>(halves);
    }
}

/// to = the sums over 16 lanes, each halved four times: lanes i and i + 8, then i and i + 4, ...
template <class V, int Count>
HEMP_INLINE void totals(const typename V::Float (&sums)[Count][lanes / V::width], float* to) {
    constexpr int parts = lanes / V::width;
#pragma GCC unroll 4
    for (int first = 0; first < Count; first += V::width) {
        typename V::Float vectors[V::width];
#pragma GCC unroll 16
        for (int i = 0; i < V::width; ++i) {
            typename V::Float halves[parts];
#pragma GCC unroll 4
            for (int part = 0; part < parts; ++part) {
                halves[part] = sums[std::min(first + i, Count - 1)][part];
            }
#pragma GCC unroll 2
            for (int half = parts / 2; half > 0; half /= 2) {
#pragma GCC unroll 2
                for (int part = 0; part < half; ++part) {
                    halves[part] += halves[part + half];
                }
            }
            vectors[i] = halves[0];
        }
        V::store(to + first, sums_of_lanes<V, V::width>(vectors));
    }
}

template <class V, int Rows, int Columns>
HEMP_INLINE void block(const RowProducts& p, int64_t row, int64_t column, bool accumulate) {
    constexpr int     parts                       = lanes / V::width;
    typename V::Float sums[Rows * Columns][parts] = {};
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
    float each[(Rows * Columns + V::width - 1) / V::width * V::width];
    totals<V, Rows * Columns>(sums, each);
    for (int i = 0; i < Rows; ++i) {
        float* c = p.c + (row + i) * p.columns + column;
        for (int j = 0; j < Columns; ++j) {
            float sum = each[i * Columns + j];
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
