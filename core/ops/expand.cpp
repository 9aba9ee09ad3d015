#include "core/ops/expand.h"

#include "core/ops/elementwise.h"

// Repetition. As an elementwise operator it is fused into its reader, and the repeated tensor is never written.
namespace hemp {
namespace {

Type infer(const Node& node) {
    Shape shape(node.integers("shape"));
    expect(node.inputs[0].dtype() == DType::f32, "expand: x has elements of type {}; it needs f32 (use cast)",
           name_of(node.inputs[0].dtype()));
    expect(broadcast(node.inputs[0].shape(), shape, "expand") == shape, "expand: shape {} cannot be repeated to {}",
           node.inputs[0].shape(), shape);
    return {shape};
}

Tensors gradient(const Tensor& y, const Tensor& dy) { return {sum_to(dy, y.node().inputs[0].shape())}; }

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        return x;
    }
};

const Operator expand_operator{
    .name     = "expand",
    .infer    = infer,
    .gradient = gradient,
    .tile     = map_tile<Formula, 1>,
    .repeats  = true,
};

}  // namespace

Tensor expand(const Tensor& x, const Shape& shape) {
    return x.shape() == shape ? x : node(expand_operator, {x}, {{"shape", std::vector(shape.begin(), shape.end())}});
}

}  // namespace hemp
