#include "core/plan/rewrite.h"

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
    const Node& node   = tensor.node();
    Array       result = Array::unset(node.type);
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

/// Makes nodes, each only once, with what is constant computed.
class Simplification final : public Rewriting {
    Tensor rewritten(const Tensor& tensor, const Tensors& given) override {
        const Node& node   = tensor.node();
        Tensors     inputs = given;
        if (inputs.empty()) {
            return unique(tensor);
        }
        if (node.op->tile != nullptr && !node.op->repeats) {
            if (Tensor repeated = repeated_afterwards(node, inputs)) {
                return repeated;
            }
            inputs = without_repetition(node, inputs);
        }
        return made(*node.op, inputs, node.attributes, tensor);
    }

    Tensor made(const Operator& op, const Tensors& inputs, const Attributes& attributes, const Tensor& original) {
        Key  key{&op, inputs, attributes};
        auto found = known_.find(key);
        if (found != known_.end()) {
            return found->second;
        }
        bool   same   = original && original.node().op == &op && original.node().inputs == inputs;
        Tensor result = same ? original : node(op, inputs, attributes);
        if (all_constant(inputs) && worth_carrying(result.node())) {
            result = unique(evaluate(result));
        }
        known_[key] = result;
        return result;
    }

    /// The same tensor for all constants of equal values.
    Tensor unique(const Tensor& tensor) {
        if (!is_constant(tensor) || tensor.shape().size() > largest_compared) {
            return tensor;
        }
        const Array& value = *tensor.node().value;
        std::string  bytes(static_cast<const char*>(value.memory()), value.bytes());
        return constants_.try_emplace({to_string(value.type()), bytes}, tensor).first->second;
    }

    using Key = std::tuple<const Operator*, Tensors, Attributes>;

    /// An elementwise node of which every operand is repeated, or a single number: computed before it is repeated.
    Tensor repeated_afterwards(const Node& node, Tensors inputs) {
        Tensor repetition;
        for (Tensor& input : inputs) {
            if (input.node().op->repeats) {
                repetition = input;
                input      = input.node().inputs[0];
            } else if (input.shape().size() != 1) {
                return {};
            }
        }
        if (!repetition || repetition.shape() != node.type.shape || repetition.dtype() != node.type.dtype) {
            return {};
        }
        Tensor once = made(*node.op, inputs, node.attributes, {});
        return made(*repetition.node().op, {once}, repetition.node().attributes, {});
    }

    std::map<Key, Tensor>                                 known_;
    std::map<std::pair<std::string, std::string>, Tensor> constants_;  // by type and bytes
};

}  // namespace

Roots simplify(const Roots& roots) { return Simplification().run(roots); }

}  // namespace hemp
