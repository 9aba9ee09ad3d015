#include "core/ops/multiply.h"

#include "core/ops/elementwise.h"

// Product of two tensors.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& a = y.node().inputs[0];
    const Tensor& b = y.node().inputs[1];
    return {sum_to(dy * b, a.shape()), sum_to(dy * a, b.shape())};
}

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float a, typename V::Float b) {
        return a * b;
    }
};

const Operator multiply_operator{
    .name         = "multiply",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 2>,
    .arithmetic   = Arithmetic::multiply,
    .keeps_finite = true,
    .in_place     = {0, 1},
};

}  // namespace

Tensor multiply(const Tensor& a, const Tensor& b) { return node(multiply_operator, {a, b}); }

}  // namespace hemp
