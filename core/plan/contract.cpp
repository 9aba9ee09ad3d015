#include "core/ops/add.h"
#include "core/ops/multiply_add.h"
#include "core/ops/normalise.h"
#include "core/plan/plan.h"

#include <algorithm>
#include <unordered_map>

namespace hemp {
namespace {

constexpr int most_nested = 3;  // sums in sums that are looked into

bool is(Arithmetic arithmetic, const Tensor& tensor, const Shape& shape) {
    return tensor.node().op->arithmetic == arithmetic && tensor.shape() == shape;
}

/// a * b + sum as one operator, with a difference in it.
Tensor added(const Tensor& product, const Tensor& sum) {
    const Tensors& factors = product.node().inputs;
    for (size_t i = 0; i < 2; ++i) {
        if (is(Arithmetic::difference, factors[i], product.shape())) {
            const Tensors& from = factors[i].node().inputs;
            return normalise(from[0], from[1], factors[1 - i], sum);
        }
    }
    return multiply_add(factors[0], factors[1], sum);
}

class Contraction {
 public:
    explicit Contraction(const Roots& roots) {
        Tensors order = topological_order(roots.all());
        for (const Tensor& root : roots.all()) {
            ++readers_[&root.node()];
        }
        for (const Tensor& tensor : order) {
            for (const Tensor& input : tensor.node().inputs) {
                ++readers_[&input.node()];
            }
        }
        for (const Tensor& tensor : order) {
            contracted_[&tensor.node()] = contracted(tensor);
        }
    }

    Tensor operator()(const Tensor& tensor) const { return contracted_.at(&tensor.node()); }

 private:
    Tensor contracted(const Tensor& tensor) const {
        const Node& node = tensor.node();
        if (node.op->arithmetic == Arithmetic::sum) {
            Tensors products, rest;
            collect(tensor, tensor.shape(), most_nested, products, rest);
            if (!products.empty()) {
                return sum(tensor.shape(), products, rest);
            }
        }
        Tensors inputs;
        for (const Tensor& input : node.inputs) {
            inputs.push_back((*this)(input));
        }
        return inputs == node.inputs ? tensor : hemp::node(*node.op, inputs, node.attributes);
    }

    /// The terms of a sum, and of sums that nobody else reads.
    void collect(const Tensor& tensor, const Shape& shape, int nested, Tensors& products, Tensors& rest) const {
        for (const Tensor& term : tensor.node().inputs) {
            if (nested > 0 && is(Arithmetic::sum, term, shape) && readers_.at(&term.node()) == 1) {
                collect(term, shape, nested - 1, products, rest);
            } else {
                Tensor form = (*this)(term);
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

    std::unordered_map<const Node*, int64_t> readers_;
    std::unordered_map<const Node*, Tensor>  contracted_;
};

}  // namespace

Roots contract(const Roots& roots) {
    Contraction contraction(roots);
    Roots       result;
    for (const Tensor& output : roots.outputs) {
        result.outputs.push_back(contraction(output));
    }
    for (const Update& update : roots.updates) {
        result.updates.push_back({update.variable, contraction(update.value)});
    }
    return result;
}

}  // namespace hemp
