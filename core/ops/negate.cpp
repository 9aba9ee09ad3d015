#include "core/ops/negate.h"

#include "core/ops/elementwise.h"

// Sign change.
namespace hemp {
namespace {

Tensors gradient(const Tensor&, const Tensor& dy) { return {-dy}; }

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        return -x;
    }
};

const Operator negate_operator{
    .name         = "negate",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 1>,
    .keeps_finite = true,
    .in_place     = {0},
};

}  // namespace

Tensor negate(const Tensor& x) { return node(negate_operator, {x}); }

}  // namespace hemp
