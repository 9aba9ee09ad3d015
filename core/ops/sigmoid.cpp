#include "core/ops/sigmoid.h"

#include "core/kernels/math.h"
#include "core/ops/elementwise.h"
#include "core/ops/multiply.h"
#include "core/ops/subtract.h"

// Logistic function. Derivative y (1 - y): the result is there already.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) { return {dy * (y * (1.0f - y))}; }

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        return hemp::sigmoid<V>(x);
    }
};

const Operator sigmoid_operator{
    .name         = "sigmoid",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 1>,
    .keeps_finite = true,
    .in_place     = {0},
};

}  // namespace

Tensor sigmoid(const Tensor& x) { return node(sigmoid_operator, {x}); }

}  // namespace hemp
