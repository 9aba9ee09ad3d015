#include "core/substitute.h"

namespace hemp {

Tensor substitute(const Tensor& tensor, const std::map<Tensor, Tensor>& exchange) {
    std::map<Tensor, Tensor> replaced;
    for (const auto& [from, to] : exchange) {
        expect(from.type() == to.type(), "substitute: {} cannot stand for {}", to.type(), from.type());
        replaced[from] = to;
    }
    for (const Tensor& each : topological_order({tensor})) {
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
    return replaced.at(tensor);
}

}  // namespace hemp
