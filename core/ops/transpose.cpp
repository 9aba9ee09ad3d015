#include "core/ops/transpose.h"

#include "core/ops/copy.h"

#include <numeric>

// Exchange of axes: a strided copy.
namespace hemp {
namespace {

Type infer(const Node& node) {
    const Type&                 x    = node.inputs[0].type();
    const std::vector<int64_t>& axes = node.integers("axes");
    expect(static_cast<int>(axes.size()) == x.shape.rank(), "transpose: {} axes named, but x has shape {}", axes.size(),
           x.shape);
    std::vector<int64_t> lengths;
    std::vector<bool>    used(axes.size());
    for (int64_t axis : axes) {
        expect(!used[static_cast<size_t>(axis)], "transpose: axis {} is named twice", axis);
        used[static_cast<size_t>(axis)] = true;
        lengths.push_back(x.shape[static_cast<int>(axis)]);
    }
    return {Shape(lengths), x.dtype};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const std::vector<int64_t>& axes = y.node().integers("axes");
    std::vector<int>            back(axes.size());
    for (size_t i = 0; i < axes.size(); ++i) {
        back[static_cast<size_t>(axes[i])] = static_cast<int>(i);
    }
    return {transpose(dy, back)};
}

Work work(const Node& node) {
    auto       strides = dense_strides(node.inputs[0].shape());
    StridedBox from{.shape = node.type.shape};
    for (size_t i = 0; i < node.integers("axes").size(); ++i) {
        from.strides[i] = strides[static_cast<size_t>(node.integers("axes")[i])];
    }
    return copy_work(from, dense_box(node.type.shape), bytes_of(node.type.dtype));
}

const Operator transpose_operator{.name = "transpose", .infer = infer, .gradient = gradient, .work = work};

}  // namespace

Tensor transpose(const Tensor& x, std::vector<int> axes) {
    std::vector<int64_t> checked;
    bool                 in_order = true;
    for (size_t i = 0; i < axes.size(); ++i) {
        checked.push_back(checked_axis(axes[i], x.shape(), "transpose"));
        in_order = in_order && checked.back() == static_cast<int64_t>(i);
    }
    return in_order && static_cast<int>(axes.size()) == x.shape().rank()
               ? x
               : node(transpose_operator, {x}, {{"axes", checked}});
}

Tensor transpose(const Tensor& x) {
    int rank = x.shape().rank();
    expect(rank >= 2, "transpose: x has shape {}; it needs at least two axes", x.shape());
    std::vector<int> axes(static_cast<size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
    std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
    return transpose(x, axes);
}

}  // namespace hemp
