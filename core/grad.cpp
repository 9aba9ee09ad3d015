#include "core/grad.h"

#include "core/operator.h"
#include "core/ops/add.h"
#include "core/ops/expand.h"

#include <map>
#include <unordered_set>

namespace hemp {

Gradients grad(const Tensor& loss, const Tensors& to) {
    expect(loss.dtype() == DType::f32 && loss.shape().size() == 1,
           "grad: the loss is {}; it must be a single f32 (take its sum or mean)", loss.type());

    // Only nodes between `to` and the loss are walked: an operator without a gradient elsewhere does no harm.
    Tensors                         order = topological_order({loss});
    std::unordered_set<const Node*> wanted;
    for (const Tensor& tensor : to) {
        wanted.insert(&tensor.node());
    }
    std::unordered_set<const Node*> on_the_way = wanted;
    for (const Tensor& tensor : order) {
        for (const Tensor& input : tensor.node().inputs) {
            if (on_the_way.contains(&input.node())) {
                on_the_way.insert(&tensor.node());
            }
        }
    }

    // Backwards through the topological order: a node used twice must have all of its gradient before it passes any on.
    std::map<const Node*, Tensor> gradient_to;
    gradient_to[&loss.node()] = expand(constant(1.0f), loss.shape());
    for (auto tensor = order.rbegin(); tensor != order.rend(); ++tensor) {
        const Node& node  = tensor->node();
        auto        found = gradient_to.find(&node);
        if (found == gradient_to.end() || node.inputs.empty() || !on_the_way.contains(&node)) {
            continue;
        }
        bool passes_on = false;
        for (const Tensor& input : node.inputs) {
            passes_on = passes_on || on_the_way.contains(&input.node());
        }
        if (!passes_on) {
            continue;
        }
        if (node.op->gradient == nullptr) {
            fail("grad: the operator '{}' has no gradient, and the loss depends on a variable through it",
                 node.op->name);
        }
        Tensors gradients = node.op->gradient(*tensor, found->second);
        for (size_t i = 0; i < node.inputs.size(); ++i) {
            const Node* input = &node.inputs[i].node();
            if (i >= gradients.size() || !gradients[i] || !on_the_way.contains(input)) {
                continue;
            }
            Tensor& sum = gradient_to[input];
            sum         = sum ? sum + gradients[i] : gradients[i];
        }
    }

    Gradients result;
    for (const Tensor& tensor : to) {
        auto found = gradient_to.find(&tensor.node());
        result.push_back({tensor, found != gradient_to.end() ? found->second : expand(constant(0.0f), tensor.shape())});
    }
    return result;
}

}  // namespace hemp
