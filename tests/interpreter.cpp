#include "tests/interpreter.h"

#include <unordered_map>

namespace hemp {
namespace {

template <class T>
plain::Values converted(const Array& array) {
    plain::Values values(array.shape());
    for (int64_t i = 0; i < array.size(); ++i) {
        values[i] = static_cast<double>(array.values<T>()[static_cast<size_t>(i)]);
    }
    return values;
}

}  // namespace

plain::Values values_of(const Array& array) {
    switch (array.dtype()) {
        case DType::f32: return converted<float>(array);
        case DType::i32: return converted<int32_t>(array);
        case DType::u8: return converted<uint8_t>(array);
        case DType::i64: break;
    }
    return converted<int64_t>(array);
}

std::vector<plain::Values> interpret(const Tensors& tensors, const Given& given) {
    std::unordered_map<const Node*, plain::Values> known;
    for (const Tensor& tensor : topological_order(tensors)) {
        const Node& node  = tensor.node();
        auto        found = given.find(tensor);
        if (found != given.end()) {
            known[&node] = found->second;
        } else if (node.value != nullptr) {
            known[&node] = values_of(*node.value);
        } else {
            auto function = plain::table().find(node.op->name);
            if (function == plain::table().end()) {
                fail("interpret: operator '{}' has no plain version; add it to tests/plain", node.op->name);
            }
            plain::Operands operands;
            for (const Tensor& input : node.inputs) {
                operands.push_back(known.at(&input.node()));
            }
            known[&node] = function->second(node, operands);
        }
    }
    std::vector<plain::Values> results;
    for (const Tensor& tensor : tensors) {
        results.push_back(known.at(&tensor.node()));
    }
    return results;
}

std::vector<plain::Values> interpret_run(const Roots& roots, const Given& inputs, Given& state) {
    Given given = state;
    given.insert(inputs.begin(), inputs.end());
    std::vector<plain::Values> results = interpret(roots.all(), given);
    for (size_t i = 0; i < roots.updates.size(); ++i) {
        state[roots.updates[i].variable] = results[roots.outputs.size() + i];
    }
    results.resize(roots.outputs.size());
    return results;
}

}  // namespace hemp
