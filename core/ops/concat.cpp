#include "core/ops/concat.h"

#include "core/ops/copy.h"
#include "core/ops/slice.h"

// Concatenation: each part is copied into its box of the result. The gradient of a part is its slice of dy.
namespace hemp {
namespace {

Type infer(const Node& node) {
    int         axis  = static_cast<int>(node.integer("axis"));
    const Type& first = node.inputs[0].type();
    int64_t     total = 0;
    for (const Tensor& part : node.inputs) {
        bool fits = part.shape().rank() == first.shape.rank() && part.dtype() == first.dtype;
        for (int i = 0; fits && i < first.shape.rank(); ++i) {
            fits = i == axis || part.shape()[i] == first.shape[i];
        }
        expect(fits, "concat: {} does not fit {} along axis {}; all other axes and the type must agree", part.type(),
               first, axis);
        total += part.shape()[axis];
    }
    std::vector<int64_t> lengths(first.shape.begin(), first.shape.end());
    lengths[static_cast<size_t>(axis)] = total;
    return {Shape(lengths), first.dtype};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    int     axis  = static_cast<int>(y.node().integer("axis"));
    int64_t begin = 0;
    Tensors gradients;
    for (const Tensor& part : y.node().inputs) {
        gradients.push_back(slice(dy, axis, begin, part.shape()[axis]));
        begin += part.shape()[axis];
    }
    return gradients;
}

Work work(const Node& node) {
    struct Part {
        StridedBox from, to;
    };
    int               axis    = static_cast<int>(node.integer("axis"));
    auto              strides = dense_strides(node.type.shape);
    size_t            bytes   = bytes_of(node.type.dtype);
    std::vector<Part> parts;
    int64_t           begin = 0;
    for (const Tensor& input : node.inputs) {
        int64_t offset = begin * strides[static_cast<size_t>(axis)];
        parts.push_back({dense_box(input.shape()), {input.shape(), offset, strides}});
        begin += input.shape()[axis];
    }
    return {.stages = {{static_cast<int64_t>(parts.size()), [=](const Buffers& memory, int64_t piece) {
                            const Part& part = parts[static_cast<size_t>(piece)];
                            if (part.from.shape.size() > 0) {
                                copy_rows(memory.input<std::byte>(static_cast<size_t>(piece)), part.from,
                                          memory.out<std::byte>(), part.to, bytes, 0, rows_of(part.from.shape));
                            }
                        }}}};
}

const Operator concat_operator{.name = "concat", .infer = infer, .gradient = gradient, .work = work};

}  // namespace

Tensor concat(const Tensors& parts, int axis) {
    expect(!parts.empty(), "concat: no tensors given");
    return node(concat_operator, parts, {{"axis", int64_t{checked_axis(axis, parts[0].shape(), "concat")}}});
}

}  // namespace hemp
