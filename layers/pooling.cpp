#include "layers/pooling.h"

#include "core/operator.h"
#include "core/ops/add.h"

namespace hemp {
namespace {

/// The images and the biases of images + biases, one a channel [C, 1, 1]; nothing if x is something else.
Tensors biased(const Tensor& x) {
    const Node& node = x.node();
    if (node.op->arithmetic != Arithmetic::sum) {
        return {};
    }
    const Shape& images = node.inputs[0].shape();
    bool         biases = images.rank() == 4 && images == x.shape() && node.inputs[1].shape() == Shape{images[1], 1, 1};
    return biases ? node.inputs : Tensors{};
}

}  // namespace

Layer max_pooling(const PoolOptions& options) {
    return {.forward = [options](const Tensor& x, Pass&) {
        // The largest sum is that of the largest value, to the bit: biases are added to what is left after pooling.
        Tensors parts = biased(x);
        return parts.empty() ? max_pool(x, options) : max_pool(parts[0], options) + parts[1];
    }};
}

Layer average_pooling(const PoolOptions& options) {
    return {.forward = [options](const Tensor& x, Pass&) { return average_pool(x, options); }};
}

Layer global_average_pooling() { return activation(global_average_pool); }

}  // namespace hemp
