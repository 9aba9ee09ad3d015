#include "core/ops/sqrt.h"

#include "core/kernels/math.h"
#include "core/ops/divide.h"
#include "core/ops/elementwise.h"
#include "core/ops/multiply.h"

// Square root. Derivative 1 / (2 y): the result is there already.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) { return {dy / (2.0f * y)}; }

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        return hemp::sqrt<V>(x);
    }
};

const Operator sqrt_operator{
    .name     = "sqrt",
    .infer    = infer_elementwise,
    .gradient = gradient,
    .tile     = map_tile<Formula, 1>,
    .in_place = {0},
};

}  // namespace

Tensor sqrt(const Tensor& x) { return node(sqrt_operator, {x}); }

}  // namespace hemp
