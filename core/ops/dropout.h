#pragma once

#include "core/graph.h"

namespace hemp {

/// Each element of x is set to 0 with probability `rate` and else divided by 1 - rate, so that the mean stays. For
/// training only. A composition of random_uniform and select.
///   rate      in [0, 1)
///   seed, stream, step  as in random_uniform
///   gradient  to x, with the same elements set to 0
///   throws    UsageError when the rate lies outside its range
/// Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: a simple way to prevent neural networks from
/// overfitting", 2014; we divide in training instead of multiplying in use.
Tensor dropout(const Tensor& x, float rate, uint64_t seed, uint64_t stream, const Tensor& step);

}  // namespace hemp
