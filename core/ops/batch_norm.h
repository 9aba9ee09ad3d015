#pragma once

#include "core/graph.h"

namespace hemp {

/// What batch normalisation gives in training: the result, and the batch's statistics for a running mean.
struct BatchNorm {
    Tensor y;         ///< of x's shape
    Tensor mean;      ///< [C]
    Tensor variance;  ///< [C], of the batch itself (divided by its size, not by one less)
};

/// Batch normalisation in training: y = (x - mean) / sqrt(variance + epsilon) * scale + shift, with mean and variance
/// of each channel over the batch (and over rows and columns).
///   x             [N, C] or [N, C, H, W] f32, not empty
///   scale, shift  [C] f32
///   gradient      to x, scale, shift; through the statistics as well
///   throws        ShapeError when sizes do not fit
/// Ioffe, Szegedy, "Batch normalization", 2015, algorithm 1, with the statistics of `moments`.
BatchNorm batch_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, float epsilon = 1e-5f);

/// The same in use, with statistics [C] gathered in training. Gradient to x, scale, shift.
Tensor batch_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, const Tensor& mean, const Tensor& variance,
                  float epsilon = 1e-5f);

}  // namespace hemp
