#include "core/ops/minimum.h"

#include "core/ops/compare.h"
#include "core/ops/elementwise.h"
#include "core/ops/select.h"

#include <limits>

// The smaller of two. Where both are equal the gradient goes to a, so that it is counted once.
namespace hemp {
namespace {

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& a     = y.node().inputs[0];
    const Tensor& b     = y.node().inputs[1];
    Tensor        first = less_equal(a, b);
    return {sum_to(select(first, dy, constant(0.0f)), a.shape()), sum_to(select(first, constant(0.0f), dy), b.shape())};
}

struct Formula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float a, typename V::Float b) {
        return V::smallest(a, b);
    }
};

std::optional<Clamp> clamp(const Node& node) {
    std::optional<float> bound = fixed_number(node.inputs[1]);
    if (!bound) {
        return std::nullopt;
    }
    return Clamp{-std::numeric_limits<float>::infinity(), *bound};
}

const Operator minimum_operator{
    .name         = "minimum",
    .infer        = infer_elementwise,
    .gradient     = gradient,
    .tile         = map_tile<Formula, 2>,
    .clamp        = clamp,
    .keeps_finite = true,
    .in_place     = {0, 1},
};

}  // namespace

Tensor minimum(const Tensor& a, const Tensor& b) { return node(minimum_operator, {a, b}); }

}  // namespace hemp
