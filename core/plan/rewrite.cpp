#include "core/plan/rewrite.h"

namespace hemp {

Roots Rewriting::run(const Roots& roots) {
    Tensors order = topological_order(roots.all());
    for (const Tensor& tensor : order) {
        for (const Tensor& input : tensor.node().inputs) {
            ++readers_[&input.node()];
        }
    }
    for (const Tensor& root : roots.all()) {
        ++readers_[&root.node()];
    }
    for (const Tensor& tensor : order) {
        Tensors inputs;
        for (const Tensor& input : tensor.node().inputs) {
            inputs.push_back(now(input));
        }
        now_[&tensor.node()] = rewritten(tensor, inputs);
    }
    Roots result;
    for (const Tensor& output : roots.outputs) {
        result.outputs.push_back(now(output));
    }
    for (const Update& update : roots.updates) {
        result.updates.push_back({update.variable, now(update.value)});
    }
    return result;
}

Tensor Rewriting::with_inputs(const Tensor& tensor, const Tensors& inputs) {
    const Node& node = tensor.node();
    return inputs == node.inputs ? tensor : hemp::node(*node.op, inputs, node.attributes);
}

}  // namespace hemp
