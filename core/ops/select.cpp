#include "core/ops/select.h"

#include "core/ops/elementwise.h"

// Choice between two tensors by a third. The gradient is the same choice between dy and 0.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensors& in   = y.node().inputs;
    Tensor         zero = constant(0.0f);
    return {Tensor(), sum_to(select(in[0], dy, zero), in[1].shape()), sum_to(select(in[0], zero, dy), in[2].shape())};
}

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float condition, typename V::Float a, typename V::Float b) {
        return condition != V::all(0.0f) ? a : b;
    }
};

const Operator select_operator{
    .name         = "select",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 3>,
    .keeps_finite = true,
    .in_place     = {0, 1, 2},
};

}  // namespace

Tensor select(const Tensor& condition, const Tensor& a, const Tensor& b) {
    return node(select_operator, {condition, a, b});
}

}  // namespace hemp
