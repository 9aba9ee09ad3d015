#pragma once

#include "core/graph.h"

namespace hemp {

struct MatmulOptions {
    bool transpose_a = false;  ///< the last two axes of a are exchanged first, without a copy
    bool transpose_b = false;
};

/// Matrix product over the last two axes; leading axes are a batch and broadcast.
///   a         [.., M, K] f32
///   b         [.., K, N] f32
///   returns   [.., M, N] f32; each element summed over K in order; in 16 lanes where M is 1 and b transposed
///   gradient  to a and b
///   throws    ShapeError when K differs or the batches do not broadcast
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

/// The columns of b [K, N], or of b transposed, in the order in which a product reads them: panels [ceil(N / 32), K,
/// 32], zero beyond N. The planner adds these nodes for weights that never change. No gradient.
Tensor pack_columns(const Tensor& b, bool transposed);

/// a [M, K] times a matrix with so many columns that pack_columns has packed: the bits of matmul. No gradient.
Tensor matmul_packed(const Tensor& a, const Tensor& packed, int64_t columns);

}  // namespace hemp
