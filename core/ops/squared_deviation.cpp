#include "core/ops/squared_deviation.h"

#include "core/ops/elementwise.h"
#include "core/ops/multiply.h"
#include "core/ops/subtract.h"

// The gradient is built from x - mean with the mean in it, so that second derivatives are whole.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& x    = y.node().inputs[0];
    const Tensor& mean = y.node().inputs[1];
    return {sum_to((x - mean) * (dy * constant(2.0f)), x.shape()), Tensor()};
}

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x, typename V::Float mean) {
        typename V::Float deviation = x - mean;
        return deviation * deviation;
    }
};

const Operator squared_deviation_operator{
    .name         = "squared_deviation",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 2>,
    .keeps_finite = true,
    .in_place     = {0, 1},
};

}  // namespace

Tensor squared_deviation(const Tensor& x, const Tensor& mean) { return node(squared_deviation_operator, {x, mean}); }

}  // namespace hemp
