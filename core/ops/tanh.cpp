#include "core/ops/tanh.h"

#include "core/kernels/math.h"
#include "core/ops/elementwise.h"
#include "core/ops/multiply.h"
#include "core/ops/subtract.h"

// Hyperbolic tangent. Derivative 1 - y^2: the result is there already.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) { return {dy * (1.0f - y * y)}; }

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        return hemp::tanh<V>(x);
    }
};

const Operator tanh_operator{
    .name         = "tanh",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 1>,
    .keeps_finite = true,
    .in_place     = {0},
};

}  // namespace

Tensor tanh(const Tensor& x) { return node(tanh_operator, {x}); }

}  // namespace hemp
