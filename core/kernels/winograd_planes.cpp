#include "core/kernels/winograd_planes.h"

#include "core/kernels/dispatch.h"
#include "core/kernels/short_rows.h"
#include "core/kernels/winograd_points.h"

#include <algorithm>

namespace hemp {
namespace {

using namespace winograd;

constexpr int64_t overhang = 16;  // of a vector over a row's end

/// A float as a vector of one: the same formulas for filters, which are few.
struct One {
    using Float = float;
    static float all(float x) { return x; }
};

/// Values [Size, Size] to points, along columns, then along rows.
template <class V, int Size>
HEMP_INLINE void to_points_twice(const typename V::Float (&d)[Size][Size], typename V::Float (&v)[6][6]) {
    using F = typename V::Float;
    F by_column[Size][6];
#pragma GCC unroll 6
    for (int j = 0; j < Size; ++j) {
        F column[Size];
#pragma GCC unroll 6
        for (int i = 0; i < Size; ++i) {
            column[i] = d[i][j];
        }
        to_points<V>(column, by_column[j]);
    }
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) {
        F row[Size];
#pragma GCC unroll 6
        for (int j = 0; j < Size; ++j) {
            row[j] = by_column[j][i];
        }
        to_points<V>(row, v[i]);
    }
}

/// The other way, with the factors of the rows.
template <class V, int Size>
HEMP_INLINE void from_points_twice(const typename V::Float (&v)[6][6], const double* scale,
                                   typename V::Float (&d)[Size][Size]) {
    using F = typename V::Float;
    F by_column[6][Size];
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) {
        F column[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) {
            column[i] = v[i][j];
        }
        from_points<V>(column, by_column[j]);
    }
#pragma GCC unroll 6
    for (int i = 0; i < Size; ++i) {
        F row[6];
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) {
            row[j] = by_column[j][i];
        }
        from_points<V>(row, d[i]);
#pragma GCC unroll 6
        for (int j = 0; j < Size; ++j) {
            d[i][j] *= number<V>(scale[i] * scale[j]);
        }
    }
}

template <class V>
HEMP_INLINE void load_points(const float* v, int64_t stride, typename V::Float (&to)[6][6]) {
#pragma GCC      unroll 6
    for (int i = 0; i < 6; ++i) {
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) {
            to[i][j] = V::load(v + (i * 6 + j) * stride);
        }
    }
}

template <class V>
HEMP_INLINE void store_points(const typename V::Float (&from)[6][6], float* v, int64_t stride) {
#pragma GCC      unroll 6
    for (int i = 0; i < 6; ++i) {
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) {
            V::store(v + (i * 6 + j) * stride, from[i][j]);
        }
    }
}

/// Calls visit(i) for four of `count` >= 4 neighbours from i on; the last four meet some again.
template <class Visit>
HEMP_INLINE void for_each_four(int64_t count, const Visit& visit) {
    for (int64_t i = 0; i < count - 4; i += 4) {
        visit(i);
    }
    visit(count - 4);
}

/// Neighbours to even and odd columns, and back.
HEMP_INLINE void part(const float* pairs, int64_t count, float* even, float* odd) {
    for_each_four(count, [&](int64_t i) {
        Baseline::Float first = Baseline::load(pairs + 2 * i), second = Baseline::load(pairs + 2 * i + 4);
        Baseline::store(even + i, __builtin_shufflevector(first, second, 0, 2, 4, 6));
        Baseline::store(odd + i, __builtin_shufflevector(first, second, 1, 3, 5, 7));
    });
}

HEMP_INLINE void pair_up(const float* even, const float* odd, int64_t count, float* pairs) {
    for_each_four(count, [&](int64_t i) {
        Baseline::Float evens = Baseline::load(even + i), odds = Baseline::load(odd + i);
        Baseline::store(pairs + 2 * i, __builtin_shufflevector(evens, odds, 0, 4, 1, 5));
        Baseline::store(pairs + 2 * i + 4, __builtin_shufflevector(evens, odds, 2, 6, 3, 7));
    });
}

/// Where a column of a tile meets row `row` of the plane with its zeros.
HEMP_INLINE int64_t row_of_copies(const PlaneTiles& t, int64_t row) {
    return (row % 2 * (t.rows() + 2) + row / 2) * t.columns();
}
/// Where the tiles' values at (i, j) begin.
HEMP_INLINE int64_t values_at(const PlaneTiles& t, int64_t i, int64_t j) {
    return j * t.copy_floats() + row_of_copies(t, i);
}

/// Planes that go through a transform together.
constexpr int64_t together = 8;

/// Even or odd columns of a plane with its zeros.
int64_t half_floats(const PlaneTiles& t) { return t.rows_met() * (t.columns() + 2); }
/// What is kept of each plane: its copies, its even and odd columns.
int64_t plane_floats(const PlaneTiles& t) { return 6 * t.copy_floats() + overhang + 2 * half_floats(t); }
int64_t line_floats(const PlaneTiles& t) { return 2 * t.columns() + 4; }

/// The parts of scratch for a plane; a row of any plane with its zeros.
struct Scratch {
    float *copies, *even, *odd, *line;

    Scratch(const PlaneTiles& t, float* scratch, int64_t plane)
        : copies(scratch + plane * plane_floats(t)),
          even(copies + 6 * t.copy_floats() + overhang),
          odd(even + half_floats(t)),
          line(scratch + together * plane_floats(t)) {}
};

// Each walk over the plane is done for all rows before the next one: what was stored in pieces a moment ago cannot be
// loaded as a vector without waiting for the cache.

void split(const PlaneTiles& t, const float* plane, const Scratch& scratch) {
    int64_t columns = t.columns(), across = 2 * columns + 4, copy = t.copy_floats();
    for (int64_t row = 0; row < t.rows_met(); ++row) {
        int64_t      y      = row - t.pad_height;
        bool         inside = y >= 0 && y < t.height;
        const float* line   = plane + y * t.width;
        if (!inside || t.pad_width > 0) {
            std::fill_n(scratch.line, across, 0.0f);
            if (inside) {
                std::copy_n(line, t.width, scratch.line + t.pad_width);
            }
            line = scratch.line;
        }
        part(line, columns + 2, scratch.even + row * (columns + 2), scratch.odd + row * (columns + 2));
    }
    for (int64_t row = 0; row < t.rows_met(); ++row) {
        float*       to   = scratch.copies + row_of_copies(t, row);
        const float* even = scratch.even + row * (columns + 2);
        const float* odd  = scratch.odd + row * (columns + 2);
        for_each_four(columns, [&](int64_t i) {
#pragma GCC unroll 3
            for (int64_t j = 0; j < 3; ++j) {
                Baseline::store(to + 2 * j * copy + i, Baseline::load(even + i + j));
                Baseline::store(to + (2 * j + 1) * copy + i, Baseline::load(odd + i + j));
            }
        });
    }
}

/// Every second column of a row of pixels: column i is what the tiles meet as their first at tile i, as their second at
/// tile i - 1, as their third at tile i - 2.
HEMP_INLINE void sum_columns(const float* first, const float* second, const float* third, int64_t tiles, float* to) {
    to[0] = first[0];
    to[1] = first[1] + second[0];
    for (int64_t i = 2; i < tiles; ++i) {
        to[i] = (first[i] + second[i - 1]) + third[i - 2];
    }
    to[tiles]     = second[tiles - 1] + third[tiles - 2];
    to[tiles + 1] = third[tiles - 1];
}

/// The adjoint: each value of the copies added to where it came from.
void join(const PlaneTiles& t, const Scratch& scratch, float* plane) {
    int64_t columns = t.columns(), copy = t.copy_floats();
    for (int64_t row = 0; row < t.rows_met(); ++row) {
        const float* from = scratch.copies + row_of_copies(t, row);
        sum_columns(from, from + 2 * copy, from + 4 * copy, columns, scratch.even + row * (columns + 2));
        sum_columns(from + copy, from + 3 * copy, from + 5 * copy, columns, scratch.odd + row * (columns + 2));
    }
    for (int64_t y = 0; y < t.height; ++y) {
        int64_t from = (y + t.pad_height) * (columns + 2);
        float*  to   = t.pad_width == 0 ? plane + y * t.width : scratch.line;
        pair_up(scratch.even + from, scratch.odd + from, columns + 2, to);
        if (t.pad_width > 0) {
            std::copy_n(scratch.line + t.pad_width, t.width, plane + y * t.width);
        }
    }
}

struct Inputs {
    template <class V>
    HEMP_INLINE static void run(const PlaneTiles& t, int64_t planes, const float* copies, const PointRows& v) {
        int64_t next = plane_floats(t);
        for (int64_t plane = 0; plane < planes; ++plane, copies += next) {
            float* row = v.data + plane * v.plane;
            for (int64_t tile = 0; tile < t.count(); tile += V::width) {
                typename V::Float d[6][6], points[6][6];
#pragma GCC unroll 6
                for (int i = 0; i < 6; ++i) {
#pragma GCC unroll 6
                    for (int j = 0; j < 6; ++j) {
                        d[i][j] = V::load(copies + values_at(t, i, j) + tile);
                    }
                }
                to_points_twice<V>(d, points);
                store_points<V>(points, row + tile, v.point);
            }
        }
    }
};

/// `d` [planes, 36, tiles + overhang]
struct InputGradients {
    template <class V>
    HEMP_INLINE static void run(int64_t tiles, int64_t planes, const PointRows& v, float* d, int64_t d_stride) {
        for (int64_t plane = 0; plane < planes; ++plane, d += 36 * d_stride) {
            const float* row = v.data + plane * v.plane;
            for (int64_t tile = 0; tile < tiles; tile += V::width) {
                typename V::Float points[6][6], values[6][6];
                load_points<V>(row + tile, v.point, points);
                from_points_twice<V>(points, input_scale, values);
                store_points<V>(values, d + tile, d_stride);
            }
        }
    }
};

/// `y` [planes, 2, 2, tiles + overhang]
struct Results {
    template <class V>
    HEMP_INLINE static void run(int64_t tiles, int64_t planes, const PointRows& m, float* y, int64_t y_stride) {
        for (int64_t plane = 0; plane < planes; ++plane, y += 4 * y_stride) {
            const float* row = m.data + plane * m.plane;
            for (int64_t tile = 0; tile < tiles; tile += V::width) {
                typename V::Float points[6][6], values[2][2];
                load_points<V>(row + tile, m.point, points);
                from_points_twice<V>(points, result_scale, values);
                for (int i = 0; i < 4; ++i) {
                    V::store(y + i * y_stride + tile, values[i / 2][i % 2]);
                }
            }
        }
    }
};

struct ResultGradients {
    template <class V>
    HEMP_INLINE static void run(int64_t tiles, int64_t planes, const PointRows& v, float* dy, int64_t dy_stride) {
        for (int64_t plane = 0; plane < planes; ++plane, dy += 4 * dy_stride) {
            float* row = v.data + plane * v.plane;
            for (int64_t tile = 0; tile < tiles; tile += V::width) {
                typename V::Float values[2][2], points[6][6];
                for (int i = 0; i < 4; ++i) {
                    values[i / 2][i % 2] = V::load(dy + i * dy_stride + tile);
                }
                to_points_twice<V>(values, points);
                store_points<V>(points, row + tile, v.point);
            }
        }
    }
};

/// Between rows of points and rows of values in scratch.
using WithScratch = void(int64_t tiles, int64_t planes, const PointRows& points, float* values, int64_t value_stride);

/// Of values of tiles in scratch, one row for each place in a tile.
int64_t row_stride(const PlaneTiles& t) { return t.count() + overhang; }

// Some planes at a time: a kernel finds its addresses once for all of them, and what was stored in pieces has reached
// the cache when it is loaded as vectors.

/// Calls visit(first, count) for groups of planes.
template <class Visit>
void for_each_group(int64_t planes, const Visit& visit) {
    for (int64_t first = 0; first < planes; first += together) {
        visit(first, std::min(together, planes - first));
    }
}

template <class V>
void inputs(const PlaneTiles& t, int64_t planes, const float* x, const PointRows& v, float* scratch) {
    static auto* transform = kernel<Inputs, void(const PlaneTiles&, int64_t, const float*, const PointRows&)>(V::set);
    for_each_group(planes, [&](int64_t first, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
            split(t, x + (first + i) * t.height * t.width, Scratch(t, scratch, i));
        }
        transform(t, count, scratch, v.from_plane(first));
    });
}

template <class V>
void input_gradients(const PlaneTiles& t, int64_t planes, const PointRows& v, float* dx, float* scratch) {
    static auto* transform = kernel<InputGradients, WithScratch>(V::set);
    float*       values    = scratch + together * plane_floats(t) + line_floats(t);
    for_each_group(planes, [&](int64_t first, int64_t count) {
        transform(t.count(), count, v.from_plane(first), values, row_stride(t));
        for (int64_t plane = 0; plane < count; ++plane) {
            float*       copies = Scratch(t, scratch, plane).copies;
            const float* d      = values + plane * 36 * row_stride(t);
            std::fill_n(copies, 6 * t.copy_floats(), 0.0f);
            for (int64_t i = 0; i < 6; ++i) {
                for (int64_t j = 0; j < 6; ++j) {
                    add_row(d + (i * 6 + j) * row_stride(t), t.count(), copies + values_at(t, i, j));
                }
            }
        }
        for (int64_t plane = 0; plane < count; ++plane) {
            join(t, Scratch(t, scratch, plane), dx + (first + plane) * t.height * t.width);
        }
    });
}

template <class V>
void results(const PlaneTiles& t, int64_t planes, const PointRows& m, float* y, float* scratch) {
    static auto* transform = kernel<Results, WithScratch>(V::set);
    for_each_group(planes, [&](int64_t first, int64_t count) {
        transform(t.count(), count, m.from_plane(first), scratch, row_stride(t));
        for (int64_t plane = 0; plane < count; ++plane) {
            for (int64_t row = 0; row < 2 * t.rows(); ++row, y += 2 * t.columns()) {
                const float* even = scratch + (plane * 4 + row % 2 * 2) * row_stride(t) + row / 2 * t.columns();
                pair_up(even, even + row_stride(t), t.columns(), y);
            }
        }
    });
}

template <class V>
void result_gradients(const PlaneTiles& t, int64_t planes, const float* dy, const PointRows& v, float* scratch) {
    static auto* transform = kernel<ResultGradients, WithScratch>(V::set);
    for_each_group(planes, [&](int64_t first, int64_t count) {
        for (int64_t plane = 0; plane < count; ++plane) {
            for (int64_t row = 0; row < 2 * t.rows(); ++row, dy += 2 * t.columns()) {
                float* even = scratch + (plane * 4 + row % 2 * 2) * row_stride(t) + row / 2 * t.columns();
                part(dy, t.columns(), even, even + row_stride(t));
            }
        }
        transform(t.count(), count, v.from_plane(first), scratch, row_stride(t));
    });
}

template <class V>
const WinogradPlanes& planes_of() {
    static const WinogradPlanes made{inputs<V>, input_gradients<V>, results<V>, result_gradients<V>};
    return made;
}

}  // namespace

int64_t PlaneTiles::scratch_floats() const {
    return together * (plane_floats(*this) + 36 * row_stride(*this)) + line_floats(*this);
}

const WinogradPlanes& winograd_planes() {
    return kernels_in_use(planes_of<Baseline>(), planes_of<Avx2>(), planes_of<Avx512>());
}

void filters_to_points(int64_t count, const float* g, float* u, int64_t stride) {
    for (int64_t at = 0; at < count; ++at) {
        float taps[5][5], points[6][6];
        std::copy_n(g + at * 25, 25, &taps[0][0]);
        to_points_twice<One>(taps, points);
        for (int i = 0; i < 6; ++i) {
            for (int j = 0; j < 6; ++j) {
                u[(i * 6 + j) * stride + at] = points[i][j] * number<One>(filter_scale_5[i] * filter_scale_5[j]);
            }
        }
    }
}

void filters_from_points(int64_t count, const float* u, int64_t stride, float* g) {
    for (int64_t at = 0; at < count; ++at) {
        float points[6][6], taps[5][5];
        for (int i = 0; i < 36; ++i) {
            points[i / 6][i % 6] = u[i * stride + at];
        }
        from_points_twice<One>(points, tap_scale, taps);
        std::copy_n(&taps[0][0], 25, g + at * 25);
    }
}

}  // namespace hemp
