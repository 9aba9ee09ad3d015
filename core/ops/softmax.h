#pragma once

#include "core/graph.h"

namespace hemp {

/// Softmax over the last axis: y[.., c] = exp(x[.., c]) / sum over k of exp(x[.., k]).
///   x         [.., C] f32, C >= 1
///   returns   [.., C] f32, in [0, 1]; greatest error 8 ULP for C up to 1,000
///   gradient  to x
///   throws    ShapeError if x has no axis or C is 0
Tensor softmax(const Tensor& x);

/// Logarithm of the softmax over the last axis, finite for logits of +-1000 where the softmax itself is 0.
///   x         [.., C] f32, C >= 1
///   returns   [.., C] f32, at most 0
///   gradient  to x
///   throws    ShapeError if x has no axis or C is 0
Tensor log_softmax(const Tensor& x);

}  // namespace hemp
