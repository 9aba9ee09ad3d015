// Products and the sums that take them up become one operator.

#include "core/ops/add.h"
#include "core/ops/multiply.h"
#include "core/ops/relu.h"
#include "core/ops/reshape.h"
#include "core/ops/subtract.h"
#include "core/plan/plan.h"

#include <doctest/doctest.h>

#include <map>

using namespace hemp;

namespace {

std::map<std::string_view, int> contracted_operators(const Tensor& output) {
    std::map<std::string_view, int> count;
    for (const Tensor& tensor : topological_order(contract({{output}, {}}).outputs)) {
        if (!tensor.node().inputs.empty()) {
            ++count[tensor.node().op->name];
        }
    }
    return count;
}

using Count = std::map<std::string_view, int>;

}  // namespace

TEST_CASE("contraction") {
    Tensor a = input("a", {4, 5}), b = input("b", {4, 5}), c = input("c", {4, 5}), row = input("row", {5});
    SUBCASE("of a product and a sum") {
        CHECK(contracted_operators(a * b + c) == Count{{"multiply_add", 1}});
        CHECK(contracted_operators(c + a * row) == Count{{"multiply_add", 1}});
    }
    SUBCASE("with a difference in the product") {
        CHECK(contracted_operators((a - row) * b + c) == Count{{"normalise", 1}});
        CHECK(contracted_operators(row + b * (a - row)) == Count{{"normalise", 1}});
    }
    SUBCASE("of two products and a row") {
        CHECK(contracted_operators(a * row + (b - row) * row + row) == Count{{"multiply_add", 1}, {"normalise", 1}});
        CHECK(contracted_operators(a * b + b * c) == Count{{"multiply", 1}, {"multiply_add", 1}});
    }
    SUBCASE("of what batch norm's gradient is made of") {
        Tensor gain = input("gain", {5}), offset = input("offset", {5}),
               centre = reshape(input("centre", {1, 5}), Shape{5});
        Tensor again  = reshape(input("centre", {1, 5}), Shape{5});
        for (auto passed : {normalised_relu_gradient, normalised_relu6_gradient}) {
            Tensor masked = passed(a, centre, gain, offset, b);
            CHECK(contracted_operators(masked * gain + ((a - centre) * row + row)) ==
                  Count{{"reshape", 1}, {"normalise_gradient", 1}});
            CHECK(contracted_operators(masked * row + ((a - centre) * row + row))["normalise_gradient"] == 0);
            CHECK(contracted_operators(masked * gain + ((b - centre) * row + row))["normalise_gradient"] == 0);
            CHECK(contracted_operators(masked * gain + ((a - again) * row + row))["normalise_gradient"] == 0);
        }
    }
    SUBCASE("not of a product that is computed before it is repeated") {
        CHECK(contracted_operators(row * row + a) == Count{{"add", 1}, {"multiply", 1}});
    }
    SUBCASE("through a sum only if nobody else reads that") {
        Tensor sum = a * b + c;
        CHECK(contracted_operators(sum + row) == Count{{"add", 1}, {"multiply_add", 1}});
        CHECK(contracted_operators((sum + row) * sum) == Count{{"add", 1}, {"multiply", 1}, {"multiply_add", 1}});
    }
}
