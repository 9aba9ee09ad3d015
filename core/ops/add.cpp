#include "core/ops/add.h"

#include "core/ops/elementwise.h"

// Sum of two tensors.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) {
    return {sum_to(dy, y.node().inputs[0].shape()), sum_to(dy, y.node().inputs[1].shape())};
}

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float a, typename V::Float b) {
        return a + b;
    }
};

const Operator add_operator{
    .name         = "add",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 2>,
    .arithmetic   = Arithmetic::add,
    .keeps_finite = true,
    .in_place     = {0, 1},
};

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return node(add_operator, {a, b}); }

}  // namespace hemp
