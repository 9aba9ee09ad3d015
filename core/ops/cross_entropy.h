#pragma once

#include "core/graph.h"

namespace hemp {

/// Mean over the batch of -log softmax(logits)[label]; finite for logits of +-1000.
///   logits    [N, C] f32
///   labels    [N] i32 or u8, in [0, C); a label out of range counts as a loss of 0
///   smoothing share of the target that is spread evenly over all classes, in [0, 1)
///   returns   scalar f32, in nats
///   gradient  to the logits
///   throws    ShapeError when sizes do not fit
Tensor cross_entropy(const Tensor& logits, const Tensor& labels, float smoothing = 0);

/// Mean over the batch of the cross-entropy between two distributions given as logits: -sum of
/// softmax(target / temperature) * log softmax(logits / temperature), times temperature^2 (Hinton, Vinyals, Dean,
/// "Distilling the knowledge in a neural network", 2015). Gradient to the logits; the target is to be a fixed value.
Tensor distillation(const Tensor& logits, const Tensor& target_logits, float temperature);

}  // namespace hemp
