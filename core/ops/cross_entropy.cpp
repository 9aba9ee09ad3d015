#include "core/ops/cross_entropy.h"

#include "core/ops/add.h"
#include "core/ops/divide.h"
#include "core/ops/multiply.h"
#include "core/ops/negate.h"
#include "core/ops/one_hot.h"
#include "core/ops/reduce.h"
#include "core/ops/select.h"
#include "core/ops/softmax.h"

// Compositions: log_softmax keeps them finite, the rest fuses into one pass that ends in the sum.
namespace hemp {

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, float smoothing) {
    expect(logits.shape().rank() == 2, "cross_entropy: logits have shape {}; they need two axes (batch, classes)",
           logits.shape());
    expect(labels.shape() == Shape{logits.shape()[0]},
           "cross_entropy: labels have shape {}, logits {}; they need one label a row", labels.shape(), logits.shape());
    int64_t classes = logits.shape()[1];
    Tensor  logs    = log_softmax(logits);
    Tensor  target  = one_hot(labels, classes);
    // select, not a product: 0 times minus infinity would be NaN
    Tensor loss = sum(select(target, -logs, constant(0.0f))) * (1.0f / static_cast<float>(logits.shape()[0]));
    if (smoothing > 0) {
        loss = loss * (1 - smoothing) + mean(-logs) * smoothing;
    }
    return loss;
}

Tensor distillation(const Tensor& logits, const Tensor& target_logits, float temperature) {
    expect(logits.shape() == target_logits.shape(), "distillation: logits have shape {}, the target's {}",
           logits.shape(), target_logits.shape());
    Tensor target = softmax(target_logits * (1 / temperature));
    Tensor logs   = log_softmax(logits * (1 / temperature));
    return sum(target * -logs) * (temperature * temperature / static_cast<float>(logits.shape()[0]));
}

}  // namespace hemp
