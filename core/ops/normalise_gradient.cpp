#include "core/ops/normalise_gradient.h"

#include "core/kernels/normalise_gradient.h"
#include "core/ops/elementwise.h"

namespace hemp {
namespace {

template <class Rectifier>
struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float dy, typename V::Float x, typename V::Float centre,
                                               typename V::Float gain, typename V::Float offset,
                                               typename V::Float slope, typename V::Float shift) {
        return normalise_gradient<Rectifier, V>(dy, x, centre, gain, offset, slope, shift);
    }
};

const Operator normalise_gradient_operator{
    .name  = "normalise_gradient",
    .infer = infer_elementwise,
    .tile =
        [](const Node& node) {
            return node.integer("six") != 0 ? map_tile<Formula<Relu6>, 7>(node) : map_tile<Formula<Relu>, 7>(node);
        },
    .keeps_finite = true,
    .arithmetic   = Arithmetic::normalise_gradient,
    .in_place     = {0, 1},
    .cost         = [](const Node& node) { return Cost{.flop = 8.0 * static_cast<double>(node.type.shape.size())}; },
};

}  // namespace

Tensor normalise_gradient(const Tensor& dy, const Tensor& x, const Tensor& centre, const Tensor& gain,
                          const Tensor& offset, const Tensor& slope, const Tensor& shift, bool six) {
    return node(normalise_gradient_operator, {dy, x, centre, gain, offset, slope, shift}, {{"six", int64_t{six}}});
}

}  // namespace hemp
