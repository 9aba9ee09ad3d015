#pragma once
// Matrix product of f32 in registers, c = a b, in the manner of Goto and van de Geijn ("Anatomy of high-performance
// matrix multiplication", 2008): both operands are copied into panels that the innermost loop reads one after another.
// Packing is a step of its own, so that pieces of a large product share it.
//
// Each element of c is summed over k in order, in blocks of `depth_block`, with one rounding a multiply-add where the
// CPU has it: AVX2 and AVX-512 give the same bits.

#include <cstdint>

namespace hemp {

/// A matrix in memory; a transposed one has its strides exchanged. Strides in elements.
struct MatrixView {
    const float* data;
    int64_t      row_stride;
    int64_t      column_stride;
};

/// The product's three kernels for one instruction set.
struct Gemm {
    static constexpr int64_t depth_block = 1024;

    int64_t panel_columns;  ///< columns of b in one panel: the packed width is a multiple of it

    /// Packs a [m, k] into m * k floats.
    void (*pack_a)(MatrixView a, int64_t m, int64_t k, float* packed);
    /// Packs b [k, n] into k * round_up(n, panel_columns) floats, padded with zeros.
    void (*pack_b)(MatrixView b, int64_t k, int64_t n, float* packed);
    /// c [m, n], with `row_stride` elements from row to row, = a b, or += a b.
    void (*multiply)(int64_t m, int64_t n, int64_t k, const float* packed_a, const float* packed_b, float* c,
                     int64_t row_stride, bool accumulate);
    /// c = a b, where b is not packed: its k rows begin at b + offsets, and are read to the end of the last panel.
    void (*multiply_rows)(int64_t m, int64_t n, int64_t k, const float* packed_a, const float* b,
                          const int64_t* offsets, float* c, int64_t row_stride);

    int64_t packed_columns(int64_t n) const { return (n + panel_columns - 1) / panel_columns * panel_columns; }
};

/// The kernels for the instruction set in use.
const Gemm& gemm();

}  // namespace hemp
