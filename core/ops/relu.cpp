#include "core/ops/relu.h"

#include "core/kernels/normalise.h"
#include "core/kernels/rectifier.h"
#include "core/ops/elementwise.h"

// Gradient: dy where y is between the bounds; it is read off the result, so x need not be kept, or computed again from
// what batch norm read, which its own gradient needs anyway.
namespace hemp {
namespace {

template <class Rectifier>
struct GradientFormula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float y, typename V::Float dy) {
        return Rectifier::template gated<V>(y, dy);
    }
};

template <class Rectifier>
struct NormalisedGradientFormula {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float x, typename V::Float centre, typename V::Float gain,
                                               typename V::Float offset, typename V::Float dy) {
        return Rectifier::template gated<V>(normalised<V>(x, centre, gain, offset), dy);
    }
};

/// What lies between the bounds does not depend on small changes of y: only the last operand, dy, has a gradient.
Tensors gradient_again(const Tensor& y, const Tensor& dy) {
    Tensors inputs = y.node().inputs;
    Tensors gradients(inputs.size());
    Shape   shape    = inputs.back().shape();
    inputs.back()    = dy;
    gradients.back() = sum_to(node(*y.node().op, inputs), shape);
    return gradients;
}

template <class Rectifier>
Operator gradient_operator(std::string_view name) {
    return {.name         = name,
            .infer        = infer_elementwise,
            .gradient     = gradient_again,
            .tile         = map_tile<GradientFormula<Rectifier>, 2>,
            .keeps_finite = true,
            .in_place     = {0, 1}};
}

template <class Rectifier>
Operator normalised_gradient_operator(std::string_view name) {
    return {.name         = name,
            .infer        = infer_elementwise,
            .gradient     = gradient_again,
            .tile         = map_tile<NormalisedGradientFormula<Rectifier>, 5>,
            .keeps_finite = true,
            .in_place     = {0, 4},
            .cost = [](const Node& node) { return Cost{.flop = 4.0 * static_cast<double>(node.type.shape.size())}; }};
}

template <class Rectifier>
Operator rectifier(std::string_view name, Tensors (*gradient)(const Tensor&, const Tensor&)) {
    return {.name     = name,
            .infer    = infer_elementwise,
            .gradient = gradient,
            .tile     = map_tile<Rectifier, 1>,
            .clamp    = [](const Node&) -> std::optional<Clamp> {
                return Clamp{0, Rectifier::high};
            },
            .keeps_finite = true,
            .in_place     = {0}};
}

bool is_normalised(const Tensor& x) { return x.node().op->arithmetic == Arithmetic::normalise; }

Tensors relu_gradients(const Tensor& y, const Tensor& dy) {
    const Tensor&  x    = y.node().inputs[0];
    const Tensors& from = x.node().inputs;
    return {is_normalised(x) ? normalised_relu_gradient(from[0], from[1], from[2], from[3], dy) : relu_gradient(y, dy)};
}

Tensors relu6_gradients(const Tensor& y, const Tensor& dy) {
    const Tensor&  x    = y.node().inputs[0];
    const Tensors& from = x.node().inputs;
    return {is_normalised(x) ? normalised_relu6_gradient(from[0], from[1], from[2], from[3], dy)
                             : relu6_gradient(y, dy)};
}

const Operator relu_operator                      = rectifier<Relu>("relu", relu_gradients);
const Operator relu6_operator                     = rectifier<Relu6>("relu6", relu6_gradients);
const Operator relu_gradient_operator             = gradient_operator<Relu>("relu_gradient");
const Operator relu6_gradient_operator            = gradient_operator<Relu6>("relu6_gradient");
const Operator normalised_relu_gradient_operator  = normalised_gradient_operator<Relu>("normalised_relu_gradient");
const Operator normalised_relu6_gradient_operator = normalised_gradient_operator<Relu6>("normalised_relu6_gradient");

}  // namespace

Tensor relu(const Tensor& x) { return node(relu_operator, {x}); }
Tensor relu6(const Tensor& x) { return node(relu6_operator, {x}); }

Tensor relu_gradient(const Tensor& y, const Tensor& dy) { return node(relu_gradient_operator, {y, dy}); }
Tensor relu6_gradient(const Tensor& y, const Tensor& dy) { return node(relu6_gradient_operator, {y, dy}); }

Tensor normalised_relu_gradient(const Tensor& x, const Tensor& centre, const Tensor& gain, const Tensor& offset,
                                const Tensor& dy) {
    return node(normalised_relu_gradient_operator, {x, centre, gain, offset, dy});
}
Tensor normalised_relu6_gradient(const Tensor& x, const Tensor& centre, const Tensor& gain, const Tensor& offset,
                                 const Tensor& dy) {
    return node(normalised_relu6_gradient_operator, {x, centre, gain, offset, dy});
}

std::optional<PassedBack> passed_back(const Tensor& tensor) {
    const Node& node = tensor.node();
    bool        six  = node.op == &normalised_relu6_gradient_operator;
    if (!six && node.op != &normalised_relu_gradient_operator) {
        return {};
    }
    return PassedBack{node.inputs.back(), six};
}

}  // namespace hemp
