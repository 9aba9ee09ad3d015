#include "core/ops/multiply_add.h"

#include "core/ops/elementwise.h"
#include "core/ops/multiply.h"

namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensors& in = y.node().inputs;
    return {sum_to(dy * in[1], in[0].shape()), sum_to(dy * in[0], in[1].shape()), sum_to(dy, in[2].shape())};
}

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float a, typename V::Float b, typename V::Float c) {
        return a * b + c;
    }
};

const Operator multiply_add_operator{
    .name         = "multiply_add",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 3>,
    .keeps_finite = true,
    .in_place     = {0, 1, 2},
    .cost         = [](const Node& node) { return Cost{.flop = 2.0 * static_cast<double>(node.type.shape.size())}; },
};

}  // namespace

Tensor multiply_add(const Tensor& a, const Tensor& b, const Tensor& c) {
    return node(multiply_add_operator, {a, b, c});
}

}  // namespace hemp
