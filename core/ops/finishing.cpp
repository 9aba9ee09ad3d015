#include "core/ops/finishing.h"

namespace hemp {
namespace {

Clamp clamp_of(const Node& node, const std::string& prefix = {}) {
    return {static_cast<float>(node.real(prefix + "low")), static_cast<float>(node.real(prefix + "high"))};
}

}  // namespace

void add_finishing(const Finishing& finishing, Tensors& inputs, Attributes& attributes, const std::string& prefix) {
    for (const Tensor& operand : {finishing.bias, finishing.addend}) {
        if (operand) {
            inputs.push_back(operand);
        }
    }
    attributes[prefix + "bias"]   = int64_t{bool(finishing.bias)};
    attributes[prefix + "addend"] = int64_t{bool(finishing.addend)};
    attributes[prefix + "low"]    = double{finishing.clamp.low};
    attributes[prefix + "high"]   = double{finishing.clamp.high};
}

Finishing finishing_of(const Node& node, size_t others, const std::string& prefix) {
    bool bias = node.integer(prefix + "bias") != 0, addend = node.integer(prefix + "addend") != 0;
    return {.bias   = bias ? node.inputs[others] : Tensor(),
            .addend = addend ? node.inputs[others + (bias ? 1 : 0)] : Tensor(),
            .clamp  = clamp_of(node, prefix)};
}

size_t count_finishing(const Node& node, const std::string& prefix) {
    return static_cast<size_t>(node.integer(prefix + "bias") + node.integer(prefix + "addend"));
}

FinishingOperands::FinishingOperands(const Node& node, size_t others, const std::string& prefix)
    : clamp_(clamp_of(node, prefix)) {
    bias_   = node.integer(prefix + "bias") != 0 ? others : 0;
    addend_ = node.integer(prefix + "addend") != 0 ? others + (bias_ != 0 ? 1 : 0) : 0;
}

Finish FinishingOperands::at(const Buffers& memory, int64_t block, int64_t floats) const {
    Finish whole{.bias   = bias_ == 0 ? nullptr : memory.input<float>(bias_),
                 .addend = addend_ == 0 ? nullptr : memory.input<float>(addend_),
                 .low    = clamp_.low,
                 .high   = clamp_.high};
    return whole.at(block, floats);
}

void expect_finishing(const Node& node, size_t others, const Shape& y, const std::string& prefix) {
    size_t count = others + count_finishing(node, prefix);
    expect(node.inputs.size() == count || (!prefix.empty() && node.inputs.size() > count),
           "{}: has {} operands, but its attributes speak of {}", node.op->name, node.inputs.size(), count);
    Finishing finishing = finishing_of(node, others, prefix);
    Shape     channels{1, y[1], 1, 1, y[4]};
    expect(!finishing.bias || finishing.bias.shape() == channels, "{}: bias has shape {}; the result {} needs {}",
           node.op->name, finishing.bias ? finishing.bias.shape() : Shape(), y, channels);
    expect(!finishing.addend || finishing.addend.shape() == y, "{}: addend has shape {}, but the result has {}",
           node.op->name, finishing.addend ? finishing.addend.shape() : Shape(), y);
}

std::string with_finishing(std::string algorithm, const Node& node) {
    algorithm += node.integer("bias") != 0 ? " + bias" : "";
    algorithm += node.integer("addend") != 0 ? " + addend" : "";
    algorithm += clamp_of(node).bounds() ? ", bounded" : "";
    return algorithm;
}

}  // namespace hemp
