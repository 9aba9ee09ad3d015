#include "core/ops/elementwise.h"

#include "core/ops/reduce.h"
#include "core/ops/reshape.h"

namespace hemp {

Type infer_elementwise(const Node& node) {
    Shape shape = node.inputs[0].shape();
    for (const Tensor& operand : node.inputs) {
        expect(operand.dtype() == DType::f32, "{}: an operand has elements of type {}; it needs f32 (use cast)",
               node.op->name, name_of(operand.dtype()));
        shape = broadcast(shape, operand.shape(), node.op->name);
    }
    return {shape};
}

std::optional<float> fixed_number(const Tensor& operand) {
    if (is_constant(operand) && operand.dtype() == DType::f32 && operand.shape().size() == 1) {
        return operand.node().value->values<float>()[0];
    }
    return std::nullopt;
}

Tensor sum_to(const Tensor& dy, const Shape& shape) {
    if (dy.shape() == shape) {
        return dy;
    }
    std::vector<int> repeated;
    int              added = dy.shape().rank() - shape.rank();
    for (int axis = 0; axis < dy.shape().rank(); ++axis) {
        if (axis < added || (shape[axis - added] == 1 && dy.shape()[axis] != 1)) {
            repeated.push_back(axis);
        }
    }
    return reshape(sum(dy, {.axes = repeated}), shape);
}

}  // namespace hemp
