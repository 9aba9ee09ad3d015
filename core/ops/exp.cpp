#include "core/ops/exp.h"

#include "core/kernels/math.h"
#include "core/ops/elementwise.h"
#include "core/ops/multiply.h"

// Exponential function: its own derivative, so the gradient uses the result.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) { return {dy * y}; }

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        return hemp::exp<V>(x);
    }
};

const Operator exp_operator{
    .name     = "exp",
    .infer    = infer_elementwise,
    .gradient = gradient,
    .tile     = map_tile<Formula, 1>,
    .in_place = {0},
};

}  // namespace

Tensor exp(const Tensor& x) { return node(exp_operator, {x}); }

}  // namespace hemp
