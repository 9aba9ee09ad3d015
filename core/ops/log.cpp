#include "core/ops/log.h"

#include "core/kernels/math.h"
#include "core/ops/divide.h"
#include "core/ops/elementwise.h"

// Natural logarithm.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) { return {dy / y.node().inputs[0]}; }

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x) {
        return hemp::log<V>(x);
    }
};

const Operator log_operator{
    .name     = "log",
    .infer    = infer_elementwise,
    .gradient = gradient,
    .tile     = map_tile<Formula, 1>,
    .in_place = {0},
};

}  // namespace

Tensor log(const Tensor& x) { return node(log_operator, {x}); }

}  // namespace hemp
