#pragma once
// Which weights may be zero. Masks are f32 of the weights' shape, 1 for a weight that is kept and 0 for one that is
// pruned: multiplied with weights or with their updates they keep pruned weights at zero, where a quantizer has a
// level.

#include "core/graph.h"

#include <functional>

namespace hemp {

/// Prunes the smallest magnitudes: floor(sparsity * size) weights, among equal ones those that come first.
/// Throws UsageError unless 0 <= sparsity <= 1, Error if a weight is NaN.
Array magnitude_mask(const Array& weights, double sparsity);

/// Prunes weights below a magnitude: |w| < threshold. NaN is pruned.
Array threshold_mask(const Array& weights, float threshold);

/// How little the loss depends on each weight, from its gradient to a tensor of weights: 1 - |g| / max|g|, and 1 where
/// all of it is zero. Weights that decay by it beside the optimizer's step, w - rate * insensitivity * w, go to zero
/// where the loss does not need them, and threshold_mask finds those.
///   source  LOBSTER: Tartaglione, Bragagnolo, Fiandrotti, Grangetto, "LOss-Based SensiTivity rEgulaRization: towards
///           deep sparse neural networks", 2020, equations 4 to 8. Different: insensitivity is relative to the tensor's
///           largest gradient, as in HEMP, not max(0, 1 - |g|), which depends on the scale of the loss
Tensor insensitivity(const Tensor& gradient);

/// LOBSTER's choice of a threshold: the largest up to `highest` that halving finds with
/// loss(threshold) <= (1 + tolerance) * loss(0), where `loss` evaluates the network pruned below a threshold.
float tolerated_threshold(const std::function<double(float threshold)>& loss, float highest, double tolerance);

}  // namespace hemp
