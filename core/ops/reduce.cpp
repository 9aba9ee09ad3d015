#include "core/ops/reduce.h"

#include "core/operator.h"
#include "core/ops/compare.h"
#include "core/ops/divide.h"
#include "core/ops/expand.h"
#include "core/ops/multiply.h"
#include "core/ops/reshape.h"

#include <algorithm>

// Reductions over any axes. They end a chain of elementwise operators: the planner computes their input on the fly,
// tile by tile, so that it need not be written (core/run/chain.cpp has the loops).
namespace hemp {
namespace {

std::vector<bool> reduced_axes(const Node& node) {
    std::vector<bool> reduced(static_cast<size_t>(node.inputs[0].shape().rank()));
    for (int64_t axis : node.integers("axes")) {
        reduced[static_cast<size_t>(axis)] = true;
    }
    return reduced;
}

Shape result_shape(const Shape& x, const std::vector<bool>& reduced, bool keep) {
    std::vector<int64_t> lengths;
    for (int axis = 0; axis < x.rank(); ++axis) {
        if (!reduced[static_cast<size_t>(axis)]) {
            lengths.push_back(x[axis]);
        } else if (keep) {
            lengths.push_back(1);
        }
    }
    return Shape(lengths);
}

Type infer(const Node& node) {
    const Type& x = node.inputs[0].type();
    expect(x.dtype == DType::f32, "{}: x has elements of type {}; it needs f32 (use cast)", node.op->name,
           name_of(x.dtype));
    std::vector<bool> reduced = reduced_axes(node);
    bool              is_sum  = node.op->reduction == Reduction::sum;
    for (int axis = 0; axis < x.shape.rank(); ++axis) {
        expect(is_sum || !reduced[static_cast<size_t>(axis)] || x.shape[axis] > 0,
               "{}: axis {} of {} is empty, and there is no extreme of nothing", node.op->name, axis, x.shape);
    }
    return {result_shape(x.shape, reduced, node.integer("keep") != 0)};
}

/// A tensor of the result's shape, repeated to x's shape.
Tensor repeat(const Tensor& t, const Node& node) {
    const Shape& x = node.inputs[0].shape();
    return expand(reshape(t, result_shape(x, reduced_axes(node), true)), x);
}

Tensors sum_gradient(const Tensor& y, const Tensor& dy) { return {repeat(dy, y.node())}; }

Tensors extreme_gradient(const Tensor& y, const Tensor& dy) {
    const Tensor&    x      = y.node().inputs[0];
    Tensor           chosen = equal(x, repeat(y, y.node()));
    std::vector<int> axes;
    for (int64_t axis : y.node().integers("axes")) {
        axes.push_back(static_cast<int>(axis));
    }
    Tensor share = dy / reshape(sum(chosen, {.axes = axes}), dy.shape());
    return {chosen * repeat(share, y.node())};
}

/// Over the pixels of each channel.
Tensor on_channels(const Node& node, const Tensors& operands) {
    bool pixels = std::ranges::all_of(node.integers("axes"), [](int64_t axis) { return axis >= 2; });
    return pixels ? hemp::node(*node.op, operands, node.attributes) : Tensor();
}

const Operator sum_operator{
    .name = "sum", .infer = infer, .gradient = sum_gradient, .on_channels = on_channels, .reduction = Reduction::sum};
const Operator max_operator{.name        = "max",
                            .infer       = infer,
                            .gradient    = extreme_gradient,
                            .on_channels = on_channels,
                            .reduction   = Reduction::max};
const Operator min_operator{.name        = "min",
                            .infer       = infer,
                            .gradient    = extreme_gradient,
                            .on_channels = on_channels,
                            .reduction   = Reduction::min};

Tensor reduce(const Operator& op, const Tensor& x, const ReduceOptions& options) {
    std::vector<int64_t> axes;
    for (int axis : options.axes) {
        axes.push_back(checked_axis(axis, x.shape(), op.name));
    }
    for (int axis = 0; options.axes.empty() && axis < x.shape().rank(); ++axis) {
        axes.push_back(axis);
    }
    std::sort(axes.begin(), axes.end());
    expect(std::adjacent_find(axes.begin(), axes.end()) == axes.end(), "{}: an axis is named twice", op.name);
    return node(op, {x}, {{"axes", axes}, {"keep", int64_t{options.keep}}});
}

}  // namespace

Tensor sum(const Tensor& x, const ReduceOptions& options) { return reduce(sum_operator, x, options); }
Tensor max(const Tensor& x, const ReduceOptions& options) { return reduce(max_operator, x, options); }
Tensor min(const Tensor& x, const ReduceOptions& options) { return reduce(min_operator, x, options); }

Tensor mean(const Tensor& x, const ReduceOptions& options) {
    Tensor total = sum(x, options);
    double count =
        static_cast<double>(x.shape().size()) / static_cast<double>(std::max<int64_t>(total.shape().size(), 1));
    return total * static_cast<float>(1.0 / count);
}

}  // namespace hemp
