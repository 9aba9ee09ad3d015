#include "core/plan/plan.h"

#include <algorithm>
#include <tuple>

namespace hemp {
namespace {

/// A large result that repeats small operands is cheaper to compute at each run than to carry.
bool worth_carrying(const Node& node) {
    constexpr int64_t small = 4096, most_growth = 8;  // Winograd's filters: 4 times the weights, and padding
    int64_t           operands = 0;
    for (const Tensor& input : node.inputs) {
        operands += input.shape().size();
    }
    return node.type.shape.size() <= std::max(small, most_growth * operands);
}

constexpr int64_t largest_compared = 4096;  // elements of constants that are made one where they are equal

bool all_constant(const Tensors& tensors) {
    for (const Tensor& tensor : tensors) {
        if (!is_constant(tensor)) {
            return false;
        }
    }
    return !tensors.empty();
}

/// The node's value, computed by its own kernel.
Tensor evaluate(const Tensor& tensor) {
    const Node& node = tensor.node();
    Array       result(node.type);
    if (node.op->alias) {
        std::memcpy(result.memory(), node.inputs[0].node().value->memory(), result.bytes());
        return constant(std::move(result));
    }
    Group                    group{{tensor}, {}, {tensor}};
    std::vector<const void*> inputs;
    for (const Tensor& input : node.inputs) {
        if (std::find(group.inputs.begin(), group.inputs.end(), input) == group.inputs.end() || !group.is_chain()) {
            group.inputs.push_back(input);
            inputs.push_back(input.node().value->memory());
        }
    }
    Work                   work = work_of(group);
    std::vector<std::byte> scratch(work.scratch_bytes + 64), thread_scratch(work.thread_scratch_bytes + 64);
    void*                  output = result.memory();
    Buffers                memory{inputs, {&output, 1}, scratch.data(), thread_scratch.data()};
    for (const Stage& stage : work.stages) {
        for (int64_t piece = 0; piece < stage.pieces; ++piece) {
            stage.run(memory, piece);
        }
    }
    return constant(std::move(result));
}

/// An elementwise node with repeated operands replaced by what they repeat, where its shape stays the same.
Tensors without_repetition(const Node& node, Tensors inputs) {
    for (Tensor& input : inputs) {
        if (!input.node().op->repeats) {
            continue;
        }
        Tensor repeated = input;
        input           = repeated.node().inputs[0];
        Shape shape     = inputs[0].shape();
        for (const Tensor& other : inputs) {
            shape = broadcast(shape, other.shape(), node.op->name);
        }
        if (shape != node.type.shape) {
            input = repeated;
        }
    }
    return inputs;
}

}  // namespace

Roots simplify(const Roots& roots) {
    using Key = std::tuple<const Operator*, Tensors, Attributes>;
    std::map<Key, Tensor>                                 known;
    std::map<std::pair<std::string, std::string>, Tensor> constants;  // by type and bytes
    std::map<const Node*, Tensor>                         simple;
    for (const Tensor& tensor : topological_order(roots.all())) {
        const Node& node   = tensor.node();
        Tensor      result = tensor;
        if (!node.inputs.empty()) {
            Tensors inputs;
            for (const Tensor& input : node.inputs) {
                inputs.push_back(simple.at(&input.node()));
            }
            if (node.op->tile != nullptr && !node.op->repeats) {
                inputs = without_repetition(node, inputs);
            }
            Key  key{node.op, inputs, node.attributes};
            auto found = known.find(key);
            if (found != known.end()) {
                simple[&node] = found->second;
                continue;
            }
            result = inputs == node.inputs ? tensor : hemp::node(*node.op, inputs, node.attributes);
            if (all_constant(inputs) && worth_carrying(node)) {
                result = evaluate(result);
            }
            known[key] = result;
        }
        if (is_constant(result) && result.shape().size() <= largest_compared) {
            const Array& value = *result.node().value;
            std::string  bytes(static_cast<const char*>(value.memory()), value.bytes());
            result = constants.try_emplace({to_string(value.type()), bytes}, result).first->second;
        }
        simple[&node] = result;
    }
    Roots simplified;
    for (const Tensor& output : roots.outputs) {
        simplified.outputs.push_back(simple.at(&output.node()));
    }
    for (const Update& update : roots.updates) {
        simplified.updates.push_back({update.variable, simple.at(&update.value.node())});
    }
    return simplified;
}

}  // namespace hemp
