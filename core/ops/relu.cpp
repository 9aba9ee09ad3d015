#include "core/ops/relu.h"

#include "core/ops/compare.h"
#include "core/ops/elementwise.h"
#include "core/ops/select.h"

// Rectifier. The comparison lets NaN through, so that a diverged training shows itself.
// Gradient: dy where y > 0; it is read off the result, so x need not be kept.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) { return {select(greater(y, constant(0.0f)), dy, constant(0.0f))}; }

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        return x < V::all(0.0f) ? V::all(0.0f) : x;
    }
};

const Operator relu_operator{
    .name         = "relu",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 1>,
    .arithmetic   = Arithmetic::rectify,
    .keeps_finite = true,
    .in_place     = {0},
};

}  // namespace

Tensor relu(const Tensor& x) { return node(relu_operator, {x}); }

}  // namespace hemp
