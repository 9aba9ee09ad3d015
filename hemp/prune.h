#pragma once
// Which weights may be zero. Masks are f32 of the weights' shape, 1 for a weight that is kept and 0 for one that is
// pruned: multiplied with weights or with their updates they keep pruned weights at zero, where a quantizer has a
// level.

#include "core/array.h"

#include <functional>

namespace hemp {

/// Prunes the smallest magnitudes: floor(sparsity * size) weights, among equal ones those that come first.
/// Throws UsageError unless 0 <= sparsity <= 1, Error if a weight is NaN.
Array magnitude_mask(const Array& weights, double sparsity);

/// Prunes weights below a magnitude: |w| < threshold. NaN is pruned.
Array threshold_mask(const Array& weights, float threshold);

/// How little the loss depends on each weight: 1 - |g| / max|g| for the loss's gradients g to one tensor of weights; 1
/// where all of them are zero.
Array insensitivity(const Array& gradients);

/// The step of sensitivity-driven pruning, beside the optimizer's: each weight decays by `rate` times its
/// insensitivity, so that those that the loss does not need go to zero, and threshold_mask finds them.
///   source  LOBSTER: Tartaglione, Bragagnolo, Fiandrotti, Grangetto, "LOss-Based SensiTivity rEgulaRization: towards
///           deep sparse neural networks", 2020, equations 4 to 8. Different: insensitivity is relative to the tensor's
///           largest gradient, as in HEMP, not max(0, 1 - |g|), which depends on the scale of the loss
void decay_insensitive(Array& weights, const Array& gradients, float rate);

/// LOBSTER's choice of a threshold: the largest up to `highest` that halving finds with
/// loss(threshold) <= (1 + tolerance) * loss(0), where `loss` evaluates the network pruned below a threshold.
float tolerated_threshold(const std::function<double(float threshold)>& loss, float highest, double tolerance);

}  // namespace hemp
