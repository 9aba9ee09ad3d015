#include "core/ops/add.h"
#include "core/ops/multiply_add.h"
#include "core/ops/normalise.h"
#include "core/ops/normalise_gradient.h"
#include "core/ops/relu.h"
#include "core/plan/rewrite.h"

#include <algorithm>

namespace hemp {
namespace {

constexpr int most_nested = 3;  // sums in sums that are looked into

bool is(Arithmetic arithmetic, const Tensor& tensor, const Shape& shape) {
    return tensor.node().op->arithmetic == arithmetic && tensor.shape() == shape;
}

/// What a rectifier passes back to y = (x - centre) * gain + offset, times gain, and (x - centre) * slope + shift as
/// one operator; an empty tensor where they are not that.
Tensor normalise_gradient_of(const Tensor& passed, const Tensor& gain, const Tensor& sum) {
    std::optional<PassedBack> back = passed_back(passed);
    if (!back || !is(Arithmetic::normalise, sum, passed.shape())) {
        return {};
    }
    const Tensors &of = passed.node().inputs, &from = sum.node().inputs;
    // Of the same values, as views of other shapes.
    auto same = [](const Tensor& a, const Tensor& b) {
        return storage_of(a) == storage_of(b) && a.shape() == b.shape();
    };
    return same(of[0], from[0]) && same(of[1], from[1]) && same(of[2], gain)
               ? normalise_gradient(back->dy, of[0], of[1], of[2], of[3], from[2], from[3], back->six)
               : Tensor();
}

/// a * b + sum as one operator, with a difference in it.
Tensor added(const Tensor& product, const Tensor& sum) {
    const Tensors& factors = product.node().inputs;
    for (size_t i = 0; i < 2; ++i) {
        if (Tensor gradient = normalise_gradient_of(factors[i], factors[1 - i], sum)) {
            return gradient;
        }
        if (is(Arithmetic::difference, factors[i], product.shape())) {
            const Tensors& from = factors[i].node().inputs;
            return normalise(from[0], from[1], factors[1 - i], sum);
        }
    }
    return multiply_add(factors[0], factors[1], sum);
}

class Contraction final : public Rewriting {
    Tensor rewritten(const Tensor& tensor, const Tensors& inputs) override {
        if (tensor.node().op->arithmetic == Arithmetic::sum) {
            Tensors products, rest;
            collect(tensor, tensor.shape(), most_nested, products, rest);
            if (!products.empty()) {
                return sum(tensor.shape(), products, rest);
            }
        }
        return with_inputs(tensor, inputs);
    }

    /// The terms of a sum, and of sums that nobody else reads.
    void collect(const Tensor& tensor, const Shape& shape, int nested, Tensors& products, Tensors& rest) const {
        for (const Tensor& term : tensor.node().inputs) {
            if (nested > 0 && is(Arithmetic::sum, term, shape) && readers(term) == 1) {
                collect(term, shape, nested - 1, products, rest);
            } else {
                const Tensor& form = now(term);
                (is(Arithmetic::product, form, shape) ? products : rest).push_back(form);
            }
        }
    }

    /// Products with a difference first: what they are added to is then often a value a channel.
    static Tensor sum(const Shape& shape, Tensors products, const Tensors& rest) {
        Tensor total;
        for (const Tensor& term : rest) {
            total = total ? total + term : term;
        }
        if (!total) {
            total = products.back();
            products.pop_back();
        }
        std::stable_partition(products.begin(), products.end(), [&](const Tensor& product) {
            const Tensors& factors = product.node().inputs;
            return is(Arithmetic::difference, factors[0], shape) || is(Arithmetic::difference, factors[1], shape);
        });
        for (const Tensor& product : products) {
            total = added(product, total);
        }
        return total;
    }
};

}  // namespace

Roots contract(const Roots& roots) { return Contraction().run(roots); }

}  // namespace hemp
