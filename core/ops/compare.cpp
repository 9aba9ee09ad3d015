#include "core/ops/compare.h"

#include "core/ops/elementwise.h"

// Comparisons. The result is a number like any other: masks multiply and add, and need no type of their own.
namespace hemp {
namespace {

// A step function: its derivative is zero wherever it exists.
Tensors gradient(const Tensor&, const Tensor&) { return {Tensor(), Tensor()}; }

struct Greater {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float a, typename V::Float b) {
        return a > b ? V::all(1.0f) : V::all(0.0f);
    }
};
struct GreaterEqual {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float a, typename V::Float b) {
        return a >= b ? V::all(1.0f) : V::all(0.0f);
    }
};
struct Equal {
    template <class V>
    HEMP_INLINE static typename V::Float apply(typename V::Float a, typename V::Float b) {
        return a == b ? V::all(1.0f) : V::all(0.0f);
    }
};

template <class Formula>
Operator comparison(std::string_view name) {
    return {.name         = name,
            .infer        = infer_elementwise,
            .gradient     = gradient,
            .tile         = map_tile<Formula, 2>,
            .keeps_finite = true,
            .in_place     = {0, 1}};
}

const Operator greater_operator       = comparison<Greater>("greater");
const Operator greater_equal_operator = comparison<GreaterEqual>("greater_equal");
const Operator equal_operator         = comparison<Equal>("equal");

}  // namespace

Tensor greater(const Tensor& a, const Tensor& b) { return node(greater_operator, {a, b}); }
Tensor greater_equal(const Tensor& a, const Tensor& b) { return node(greater_equal_operator, {a, b}); }
Tensor equal(const Tensor& a, const Tensor& b) { return node(equal_operator, {a, b}); }

}  // namespace hemp
