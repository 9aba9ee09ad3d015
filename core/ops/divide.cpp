#include "core/ops/divide.h"

#include "core/ops/elementwise.h"
#include "core/ops/multiply.h"
#include "core/ops/negate.h"

// Quotient of two tensors. The gradient to b is -a/b^2 = -y/b: the quotient is there already.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& a = y.node().inputs[0];
    const Tensor& b = y.node().inputs[1];
    return {sum_to(dy / b, a.shape()), sum_to(-(dy * y / b), b.shape())};
}

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float a, typename V::Float b) {
        return a / b;
    }
};

const Operator divide_operator{
    .name     = "divide",
    .infer    = infer_elementwise,
    .gradient = gradient,
    .tile     = map_tile<Formula, 2>,
    .in_place = {0, 1},
};

}  // namespace

Tensor divide(const Tensor& a, const Tensor& b) { return node(divide_operator, {a, b}); }

}  // namespace hemp
