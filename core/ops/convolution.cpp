#include "core/ops/convolution.h"

#include <algorithm>

namespace hemp {

Attributes attributes_of(const ConvOptions& o) {
    return {{"stride", o.stride}, {"padding", o.padding}, {"dilation", o.dilation}, {"groups", o.groups}};
}

ConvOptions options_of(const Node& node) {
    return {node.integers("stride"), node.integers("padding"), node.integers("dilation"), node.integer("groups")};
}

std::vector<int64_t> lengths_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

Shape conv2d_shape(const Shape& x, const Shape& weight, const ConvOptions& options) {
    const auto& [stride, padding, dilation, groups] = options;
    expect(x.rank() == 4, "conv2d: x has shape {}; it needs four axes (images, channels, rows, columns)", x);
    expect(weight.rank() == 4, "conv2d: weight has shape {}; it needs four axes (filters, channels, rows, columns)",
           weight);
    expect(stride.size() == 2 && padding.size() == 2 && dilation.size() == 2,
           "conv2d: stride, padding and dilation need two numbers each (rows, columns)");
    expect(std::min(stride[0], stride[1]) >= 1 && std::min(dilation[0], dilation[1]) >= 1 &&
               std::min(padding[0], padding[1]) >= 0,
           "conv2d: stride and dilation must be at least 1, padding at least 0");
    expect(groups >= 1 && x[1] % groups == 0 && weight[0] % groups == 0,
           "conv2d: {} channels and {} filters do not divide into {} groups", x[1], weight[0], groups);
    expect(weight[1] == x[1] / groups, "conv2d: x {} has {} channels a group, weight {} expects {}", x, x[1] / groups,
           weight, weight[1]);
    expect(x[2] + 2 * padding[0] >= dilation[0] * (weight[2] - 1) + 1 && weight[2] >= 1 &&
               x[3] + 2 * padding[1] >= dilation[1] * (weight[3] - 1) + 1 && weight[3] >= 1,
           "conv2d: a kernel of {} x {} does not fit into x {} with this padding and dilation", weight[2], weight[3],
           x);
    return {x[0], weight[0], (x[2] + 2 * padding[0] - dilation[0] * (weight[2] - 1) - 1) / stride[0] + 1,
            (x[3] + 2 * padding[1] - dilation[1] * (weight[3] - 1) - 1) / stride[1] + 1};
}

void expect_f32(const Node& node) {
    for (const Tensor& operand : node.inputs) {
        expect(operand.dtype() == DType::f32, "{}: an operand has elements of type {}; it needs f32 (use cast)",
               node.op->name, name_of(operand.dtype()));
    }
}

void expect_dy(const Node& node, const Shape& y) {
    expect(node.inputs[0].shape() == y, "{}: dy has shape {}, but the convolution gives {}", node.op->name,
           node.inputs[0].shape(), y);
}

Cost conv_cost(const Node& node, double products) {
    double bytes = static_cast<double>(node.type.bytes());
    for (const Tensor& input : node.inputs) {
        bytes += static_cast<double>(input.type().bytes());
    }
    return {.flop = 2 * products, .bytes = bytes};
}

}  // namespace hemp
