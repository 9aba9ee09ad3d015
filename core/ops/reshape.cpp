#include "core/ops/reshape.h"

#include "core/operator.h"

#include <algorithm>

// Another shape over the same memory.
namespace hemp {
namespace {

Type infer(const Node& node) {
    Shape       shape(node.integers("shape"));
    const Type& x = node.inputs[0].type();
    expect(shape.size() == x.shape.size(), "reshape: {} has {} elements, {} would have {}", x.shape, x.shape.size(),
           shape, shape.size());
    return {shape, x.dtype};
}

Tensors gradient(const Tensor& y, const Tensor& dy) { return {reshape(dy, y.node().inputs[0].shape())}; }

/// Where images keep their first axis and each channel's pixels become whole channels: [N, C, H, W] to [N, C H W].
Tensor on_channels(const Node& node, const Tensors& operands) {
    const Shape& x = node.inputs[0].shape();
    const Shape& y = node.type.shape;
    if (x.rank() < 2 || y.rank() < 2 || x[0] != y[0] || x[1] == 0 || y[1] % x[1] != 0) {
        return {};
    }
    std::vector<int64_t> lengths(y.begin(), y.end());
    lengths[1] = y[1] / x[1] * operands[0].shape()[1];
    return reshape(operands[0], Shape(lengths));
}

const Operator reshape_operator{
    .name = "reshape", .infer = infer, .gradient = gradient, .on_channels = on_channels, .alias = true};

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
    if (x.shape() == shape) {
        return x;
    }
    return node(reshape_operator, {x}, {{"shape", std::vector<int64_t>(shape.begin(), shape.end())}});
}

Tensor reshape(const Tensor& x, std::vector<int64_t> lengths) {
    auto open = std::find(lengths.begin(), lengths.end(), -1);
    if (open != lengths.end()) {
        *open         = 1;
        int64_t known = Shape(lengths).size();
        expect(known > 0 && x.shape().size() % known == 0, "reshape: {} elements do not divide by {}", x.shape().size(),
               known);
        *open = x.shape().size() / known;
    }
    return reshape(x, Shape(lengths));
}

}  // namespace hemp
