#include "core/ops/normalise.h"

#include "core/kernels/normalise.h"
#include "core/ops/elementwise.h"
#include "core/ops/multiply.h"
#include "core/ops/negate.h"
#include "core/ops/rectified_sums.h"
#include "core/ops/relu.h"
#include "core/ops/slice.h"
#include "core/ops/subtract.h"

#include <algorithm>

namespace hemp {
namespace {

/// The gradients to centre, gain and offset of batch norm before a rectifier.
Tensors gradients_behind(const Tensors& in, const PassedBack& passed) {
    Tensor both = rectified_sums(passed.dy, in[0], in[1], in[2], in[3], passed.six);
    Tensor sums = row(both, 0, in[1].shape());
    return {-(sums * in[2]), row(both, 1, in[1].shape()), sums};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensors& in = y.node().inputs;
    Tensor         dx = dy * in[2];
    Shape          each{y.shape().rank() == 4 ? y.shape()[1] : 0, 1, 1};
    bool           images = y.shape().rank() == 4 && in[0].shape() == y.shape() && in[1].shape() == each &&
                  in[2].shape() == each && in[3].shape() == each;
    std::optional<PassedBack> passed = images ? passed_back(dy) : std::nullopt;
    if (passed && !std::equal(in.begin(), in.end(), dy.node().inputs.begin())) {
        passed.reset();
    }
    // What repeats (behind an average over all pixels) need not be written for elementwise operators.
    if (passed && passed->dy.shape() == y.shape() && !passed->dy.node().op->repeats) {
        Tensors others = gradients_behind(in, *passed);
        return {dx, others[0], others[1], others[2]};
    }
    // Summed up before it is multiplied, if centre and gain belong to the same elements.
    bool   alike    = in[1].shape() == in[2].shape();
    Tensor d_centre = alike ? -(sum_to(dy, in[1].shape()) * in[2]) : sum_to(-dx, in[1].shape());
    return {sum_to(dx, in[0].shape()), d_centre, sum_to(dy * (in[0] - in[1]), in[2].shape()),
            sum_to(dy, in[3].shape())};
}

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x, typename V::Float centre, typename V::Float gain,
                                               typename V::Float offset) {
        return normalised<V>(x, centre, gain, offset);
    }
};

const Operator normalise_operator{
    .name         = "normalise",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 4>,
    .keeps_finite = true,
    .arithmetic   = Arithmetic::normalise,
    .in_place     = {0, 1, 2, 3},
    .cost         = [](const Node& node) { return Cost{.flop = 3.0 * static_cast<double>(node.type.shape.size())}; },
};

}  // namespace

Tensor normalise(const Tensor& x, const Tensor& centre, const Tensor& gain, const Tensor& offset) {
    return node(normalise_operator, {x, centre, gain, offset});
}

}  // namespace hemp
