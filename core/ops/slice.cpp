#include "core/ops/slice.h"

#include "core/kernels/direct_conv.h"
#include "core/ops/copy.h"
#include "core/ops/reshape.h"

// A strided part of one axis. Its gradient puts dy back into zeros: an operator of its own, whose gradient is a slice.
namespace hemp {
namespace {

extern const Operator unslice_operator;

void check_range(const Node& node, const Shape& whole) {
    int     axis  = static_cast<int>(node.integer("axis"));
    int64_t begin = node.integer("begin");
    int64_t count = node.integer("count");
    int64_t step  = node.integer("step");
    int64_t last  = begin + (count - 1) * step;
    expect(count >= 0 && step != 0 &&
               (count == 0 || (begin >= 0 && begin < whole[axis] && last >= 0 && last < whole[axis])),
           "slice: {} elements from {} in steps of {} do not lie in axis {} of {}", count, begin, step, axis, whole);
}

Shape with_length(const Shape& shape, int axis, int64_t length) {
    std::vector<int64_t> lengths(shape.begin(), shape.end());
    lengths[static_cast<size_t>(axis)] = length;
    return Shape(lengths);
}

StridedBox box_in(const Shape& whole, const Shape& part, const Node& node) {
    StridedBox box{.shape = part, .strides = dense_strides(whole)};
    auto&      stride = box.strides[static_cast<size_t>(node.integer("axis"))];
    box.offset        = node.integer("begin") * stride;
    stride *= node.integer("step");
    return box;
}

Type infer(const Node& node) {
    const Type& x = node.inputs[0].type();
    check_range(node, x.shape);
    return {with_length(x.shape, static_cast<int>(node.integer("axis")), node.integer("count")), x.dtype};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    Attributes  attributes = y.node().attributes;
    const Node& n          = y.node();
    attributes["length"]   = n.inputs[0].shape()[static_cast<int>(n.integer("axis"))];
    return {node(unslice_operator, {dy}, attributes)};
}

Work work(const Node& node) {
    const Shape& part = node.type.shape;
    return copy_work(box_in(node.inputs[0].shape(), part, node), dense_box(part), bytes_of(node.type.dtype));
}

/// Along the channels only whole blocks can be cut.
Tensor on_blocks(const Node& node, BlockedOperands& operands) {
    if (!operands.in_blocks(0)) {
        return {};
    }
    Attributes attributes = node.attributes;
    if (node.integer("axis") == 1) {
        for (const char* of_channels : {"begin", "count", "length"}) {
            if (attributes.contains(of_channels)) {
                if (node.integer(of_channels) % channel_block != 0) {
                    return {};
                }
                attributes[of_channels] = node.integer(of_channels) / channel_block;
            }
        }
        if (node.integer("step") != 1 || node.inputs[0].shape()[1] % channel_block != 0) {
            return {};
        }
    }
    return hemp::node(*node.op, {operands.blocks(0)}, attributes);
}

const Operator slice_operator{
    .name = "slice", .infer = infer, .gradient = gradient, .work = work, .on_blocks = on_blocks};

Type unslice_infer(const Node& node) {
    const Type& part  = node.inputs[0].type();
    Shape       whole = with_length(part.shape, static_cast<int>(node.integer("axis")), node.integer("length"));
    check_range(node, whole);
    return {whole, part.dtype};
}

Tensors unslice_gradient(const Tensor& y, const Tensor& dy) {
    const Node& n = y.node();
    return {slice(dy, static_cast<int>(n.integer("axis")), n.integer("begin"), n.integer("count"), n.integer("step"))};
}

Work unslice_work(const Node& node) {
    const Shape& part = node.inputs[0].shape();
    Work         work = copy_work(dense_box(part), box_in(node.type.shape, part, node), bytes_of(node.type.dtype));
    size_t       size = node.type.bytes();
    work.stages.insert(work.stages.begin(),
                       {1, [size](const Buffers& memory, int64_t) { std::memset(memory.outputs[0], 0, size); }});
    return work;
}

const Operator unslice_operator{.name      = "unslice",
                                .infer     = unslice_infer,
                                .gradient  = unslice_gradient,
                                .work      = unslice_work,
                                .on_blocks = on_blocks};

}  // namespace

Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t count, int64_t step) {
    int64_t checked = checked_axis(axis, x.shape(), "slice");
    return node(slice_operator, {x}, {{"axis", checked}, {"begin", begin}, {"count", count}, {"step", step}});
}

Tensor row(const Tensor& x, int64_t place, const Shape& shape) { return reshape(slice(x, 0, place, 1), shape); }

Tensor reverse(const Tensor& x, int axis) {
    int64_t length = x.shape()[checked_axis(axis, x.shape(), "reverse")];
    return slice(x, axis, length - 1, length, -1);
}

}  // namespace hemp
