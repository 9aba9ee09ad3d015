#pragma once
// Products of rows with rows, c[i, j] = sum over p of a[i, p] b[j, p], where the sum is long and both operands lie one
// value after another along it: no operand is packed. What a convolution's gradient to its weights consists of.

#include <cstdint>

namespace hemp {

/// Rows of a and b, `repeats` times over (images of a batch), summed over all of them.
struct RowProducts {
    int64_t        rows, columns;  ///< of c: the number of rows of a and of b
    int64_t        length;         ///< of a row
    int64_t        repeats;
    const float*   a;
    int64_t        a_row, a_repeat;  ///< elements from one row, one repeat to the next
    const float*   b;
    const int64_t* b_offsets;  ///< where each row of b begins
    int64_t        b_repeat;
    float*         c;  ///< [rows, columns]
};

/// c = the sums, or c += the sums. Each is taken in 16 lanes whatever the instruction set: AVX2 and AVX-512 give the
/// same bits.
void sum_row_products(const RowProducts& products, bool accumulate);

}  // namespace hemp
