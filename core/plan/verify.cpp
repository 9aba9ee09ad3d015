#include "core/plan/plan.h"

namespace hemp {

Tensors Roots::all() const {
    Tensors tensors = outputs;
    for (const Update& update : updates) {
        tensors.push_back(update.value);
    }
    return tensors;
}

void verify(const Roots& roots, std::string_view pass) {
    for (const Tensor& tensor : topological_order(roots.all())) {
        const Node& node = tensor.node();
        auto        rule = [&](bool holds, std::string_view text) {
            if (!holds) {
                fail("verify: after pass '{}', node '{}' {}: {}", pass, node.op->name, node.type, text);
            }
        };
        if (is_input(tensor)) {
            continue;
        }
        if (is_variable(tensor) || is_constant(tensor)) {
            rule(node.value != nullptr && node.value->type() == node.type, "its value must have its type");
            continue;
        }
        rule(node.op->infer != nullptr, "an operator must infer its type");
        rule(node.op->infer(node) == node.type, "its type must be what the operator infers");
        int ways = (node.op->work != nullptr) + (node.op->tile != nullptr) + (node.op->reduction != Reduction::none) +
                   int{node.op->alias};
        rule(ways == 1, "an operator must be computable in exactly one way (work, tile, reduction or alias)");
    }
    std::set<Tensor> updated;
    for (const Update& update : roots.updates) {
        if (!is_variable(update.variable)) {
            fail("compile: an update names '{}', which is no variable", update.variable.node().op->name);
        }
        if (!updated.insert(update.variable).second) {
            fail("compile: variable '{}' has two updates; a program can give it one final value",
                 update.variable.node().name);
        }
        if (update.variable.type() != update.value.type()) {
            fail("compile: variable '{}' is {}, its new value {}", update.variable.node().name, update.variable.type(),
                 update.value.type());
        }
    }
}

}  // namespace hemp
