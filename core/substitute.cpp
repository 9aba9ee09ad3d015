#include "core/substitute.h"

namespace hemp {

Tensors substitute(const Tensors& tensors, const std::map<Tensor, Tensor>& exchange) {
    std::map<Tensor, Tensor> replaced;
    for (const auto& [from, to] : exchange) {
        expect(from.type() == to.type(), "substitute: {} cannot stand for {}", to.type(), from.type());
        replaced[from] = to;
    }
    for (const Tensor& each : topological_order(tensors)) {
        const Node& old = each.node();
        if (replaced.contains(each)) {
            continue;
        }
        Tensors inputs;
        for (const Tensor& input : old.inputs) {
            inputs.push_back(replaced.at(input));
        }
        replaced[each] = inputs == old.inputs ? each : node(*old.op, inputs, old.attributes);
    }
    Tensors result;
    for (const Tensor& tensor : tensors) {
        result.push_back(replaced.at(tensor));
    }
    return result;
}

}  // namespace hemp
