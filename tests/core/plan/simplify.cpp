#include "core/ops/add.h"
#include "core/ops/exp.h"
#include "core/ops/expand.h"
#include "core/ops/multiply.h"
#include "core/plan/plan.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

Tensor simple(const Tensor& tensor) { return simplify({{tensor}, {}}).outputs[0]; }

}  // namespace

TEST_CASE("simplify") {
    Tensor x = input("x", {4, 5});
    SUBCASE("makes equal nodes one") {
        Tensor y = simple(exp(x) + exp(x));
        CHECK(y.node().inputs[0] == y.node().inputs[1]);
        CHECK(topological_order({y}).size() == 3);
    }
    SUBCASE("makes equal constants one") {
        Tensor y = simple((x + 2.0f) * (x + 2.0f));
        CHECK(topological_order({y}).size() == 4);
    }
    SUBCASE("does not mix up nodes that differ in an attribute only") {
        Tensor row = input("row", {1, 5});
        Tensor a   = expand(row, {2, 5});
        Tensor b   = expand(row, {3, 5});
        Roots  r   = simplify({{a, b}, {}});
        CHECK(r.outputs[0].shape() == Shape{2, 5});
        CHECK(r.outputs[1].shape() == Shape{3, 5});
    }
    SUBCASE("computes what depends on constants only") {
        Tensor y = simple(constant(2.0f) * constant(3.0f) + 1.0f);
        REQUIRE(is_constant(y));
        CHECK(y.node().value->values<float>()[0] == 7);
    }
    SUBCASE("but leaves to the run what only repeats") {
        CHECK(is_constant(simple(exp(constant(Array({.shape = {100, 100}}))))));
        CHECK_FALSE(is_constant(simple(expand(constant(Array({.shape = {1, 100}})), {100, 100}))));
    }
    SUBCASE("lets an elementwise reader read a repeated tensor itself") {
        Tensor row = input("row", {5});
        CHECK(simple(x + expand(row, {4, 5})).node().inputs[1] == row);
    }
    SUBCASE("keeps the repetition when the result would shrink") {
        Tensor row = input("row", {5});
        CHECK(simple(exp(expand(row, {4, 5}))).shape() == Shape{4, 5});
    }
    SUBCASE("keeps a variable apart from another of the same value") {
        Tensor a = variable("a", Array({.shape = {2}}));
        Tensor b = variable("b", Array({.shape = {2}}));
        Tensor y = simple(a + b);
        CHECK(y.node().inputs[0] != y.node().inputs[1]);
    }
}
