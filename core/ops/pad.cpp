#include "core/ops/pad.h"

#include "core/kernels/direct_conv.h"
#include "core/ops/copy.h"
#include "core/ops/slice.h"

// Zeros around a tensor. The gradient cuts them off again.
namespace hemp {
namespace {

Type infer(const Node& node) {
    const Type& x      = node.inputs[0].type();
    auto&       before = node.integers("before");
    auto&       after  = node.integers("after");
    expect(static_cast<int>(before.size()) == x.shape.rank() && before.size() == after.size(),
           "pad: {} and {} widths given, but x has shape {}; it needs one of each for every axis", before.size(),
           after.size(), x.shape);
    std::vector<int64_t> lengths;
    for (size_t axis = 0; axis < before.size(); ++axis) {
        expect(before[axis] >= 0 && after[axis] >= 0, "pad: negative width at axis {}; use slice to cut", axis);
        lengths.push_back(before[axis] + x.shape[static_cast<int>(axis)] + after[axis]);
    }
    return {Shape(lengths), x.dtype};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Shape& x      = y.node().inputs[0].shape();
    Tensor       result = dy;
    for (int axis = 0; axis < x.rank(); ++axis) {
        result = slice(result, axis, y.node().integers("before")[static_cast<size_t>(axis)], x[axis]);
    }
    return {result};
}

Work work(const Node& node) {
    const Shape& x = node.inputs[0].shape();
    StridedBox   to{.shape = x, .strides = dense_strides(node.type.shape)};
    for (int axis = 0; axis < x.rank(); ++axis) {
        to.offset += node.integers("before")[static_cast<size_t>(axis)] * to.strides[static_cast<size_t>(axis)];
    }
    Work   work = copy_work(dense_box(x), to, bytes_of(node.type.dtype));
    size_t size = node.type.bytes();
    work.stages.insert(work.stages.begin(),
                       {1, [size](const Buffers& memory, int64_t) { std::memset(memory.outputs[0], 0, size); }});
    return work;
}

/// Whole blocks of channels can be added to whole blocks.
Tensor on_blocks(const Node& node, BlockedOperands& operands) {
    std::vector<int64_t> before = node.integers("before");
    std::vector<int64_t> after  = node.integers("after");
    if (!operands.in_blocks(0) || node.inputs[0].shape()[1] % channel_block != 0 || before[1] % channel_block != 0 ||
        after[1] % channel_block != 0) {
        return {};
    }
    before[1] /= channel_block;
    after[1] /= channel_block;
    before.push_back(0);
    after.push_back(0);
    return pad(operands.blocks(0), before, after);
}

const Operator pad_operator{.name = "pad", .infer = infer, .gradient = gradient, .work = work, .on_blocks = on_blocks};

}  // namespace

Tensor pad(const Tensor& x, std::vector<int64_t> before, std::vector<int64_t> after) {
    return node(pad_operator, {x}, {{"before", std::move(before)}, {"after", std::move(after)}});
}

}  // namespace hemp
