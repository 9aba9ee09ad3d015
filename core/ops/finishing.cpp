#include "core/ops/finishing.h"

#include <cmath>

namespace hemp {

void add_finishing(const Finishing& finishing, Tensors& inputs, Attributes& attributes) {
    for (const Tensor& operand : {finishing.bias, finishing.addend}) {
        if (operand) {
            inputs.push_back(operand);
        }
    }
    attributes["bias"]   = int64_t{bool(finishing.bias)};
    attributes["addend"] = int64_t{bool(finishing.addend)};
    attributes["low"]    = finishing.low;
    attributes["high"]   = finishing.high;
}

FinishingOperands::FinishingOperands(const Node& node, size_t others)
    : bias_(node.integer("bias") != 0 ? others : 0),
      addend_(node.integer("addend") != 0 ? node.inputs.size() - 1 : 0),
      bounds_{.low = static_cast<float>(node.real("low")), .high = static_cast<float>(node.real("high"))} {}

Finish FinishingOperands::at(const Buffers& memory, int64_t block, int64_t floats) const {
    Finish whole = bounds_;
    whole.bias   = bias_ == 0 ? nullptr : memory.input<float>(bias_);
    whole.addend = addend_ == 0 ? nullptr : memory.input<float>(addend_);
    return whole.at(block, floats);
}

void expect_finishing(const Node& node, size_t others, const Shape& y) {
    bool   bias   = node.integer("bias") != 0;
    bool   addend = node.integer("addend") != 0;
    size_t count  = others + (bias ? 1 : 0) + (addend ? 1 : 0);
    expect(node.inputs.size() == count, "{}: has {} operands, but its attributes speak of {}", node.op->name,
           node.inputs.size(), count);
    Shape channels{1, y[1], 1, 1, y[4]};
    expect(!bias || node.inputs[others].shape() == channels, "{}: bias has shape {}; the result {} needs {}",
           node.op->name, bias ? node.inputs[others].shape() : Shape(), y, channels);
    expect(!addend || node.inputs.back().shape() == y, "{}: addend has shape {}, but the result has {}", node.op->name,
           node.inputs.back().shape(), y);
}

std::string with_finishing(std::string algorithm, const Node& node) {
    algorithm += node.integer("bias") != 0 ? " + bias" : "";
    algorithm += node.integer("addend") != 0 ? " + addend" : "";
    algorithm += std::isfinite(node.real("low")) || std::isfinite(node.real("high")) ? ", bounded" : "";
    return algorithm;
}

}  // namespace hemp
