#include "core/ops/subtract.h"

#include "core/ops/elementwise.h"
#include "core/ops/negate.h"

// Difference of two tensors.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) {
    return {sum_to(dy, y.node().inputs[0].shape()), sum_to(-dy, y.node().inputs[1].shape())};
}

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float a, typename V::Float b) {
        return a - b;
    }
};

const Operator subtract_operator{
    .name         = "subtract",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 2>,
    .arithmetic   = Arithmetic::subtract,
    .keeps_finite = true,
    .in_place     = {0, 1},
};

}  // namespace

Tensor subtract(const Tensor& a, const Tensor& b) { return node(subtract_operator, {a, b}); }

}  // namespace hemp
