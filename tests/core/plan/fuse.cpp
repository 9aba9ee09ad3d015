#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/exp.h"
#include "core/ops/matmul.h"
#include "core/ops/maximum.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/ops/reshape.h"
#include "core/ops/subtract.h"
#include "core/ops/tanh.h"
#include "core/plan/plan.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace hemp;

namespace {

std::vector<Group> fused(const Tensors& outputs) { return fuse(simplify({outputs, {}})); }

bool holds(const Group& group, std::string_view name) {
    return std::any_of(group.nodes.begin(), group.nodes.end(),
                       [&](const Tensor& node) { return node.node().op->name == name; });
}

bool written(const std::vector<Group>& groups, std::string_view name) {
    for (const Group& group : groups) {
        for (const Tensor& output : group.outputs) {
            if (output.node().op->name == name) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

TEST_CASE("a chain of elementwise operators is one step") {
    Tensor             x      = input("x", {4, 5});
    std::vector<Group> groups = fused({tanh(exp(x) * 2.0f) + x});
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].nodes.size() == 4);
    CHECK(groups[0].outputs.size() == 1);
}

TEST_CASE("a chain's rows that repeat over a plane agree with the double version whatever the plane's size") {
    struct {
        int64_t height, width;
    } planes[] = {{1, 1}, {2, 2}, {4, 4}, {5, 7}, {7, 7}, {13, 1}, {16, 17}, {33, 31}};
    for (auto [height, width] : planes) {
        std::string name  = std::to_string(height) + " x " + std::to_string(width);
        Operand     image = {.shape = {3, 2, height, width, 16}};
        Operand     row   = {.shape = {2, 1, 1, 16}};
        check_operator("rows repeated over " + name, [](const Tensors& x) { return (x[0] - x[1]) * x[2] + x[1]; },
                       {image, row, row}, {.result = {.ulps = 4, .floor = 4}, .gradient = false});
        check_operator("sums of rows over " + name,
                       [](const Tensors& x) {
                           return sum((x[0] - x[1]) * x[0], {.axes = {0, 2, 3}});
                       },
                       {image, row},
                       {.result = {.ulps = 4, .floor = static_cast<double>(12 * height * width)}, .gradient = false});
    }
}

TEST_CASE("what a layer's backward pass computes on the way is not written") {
    Tensor             x      = input("x", {6, 5});
    Tensor             weight = variable("weight", Array({.shape = {3, 5}}));
    Tensor             bias   = variable("bias", Array({.shape = {3}}));
    Tensor             y      = maximum(matmul(x, weight, {.transpose_b = true}) + bias, constant(0.0f));
    Gradients          g      = grad(sum(y * y), {weight, bias});
    std::vector<Group> groups = fused({g[0].gradient, g[1].gradient});
    SUBCASE("not the mask of a maximum") { CHECK_FALSE(written(groups, "greater_equal")); }
    SUBCASE("the gradient of a bias ends the chain that computes it") {
        auto chain = std::find_if(groups.begin(), groups.end(), [](const Group& g) { return holds(g, "sum"); });
        REQUIRE(chain != groups.end());
        CHECK(holds(*chain, "select"));
    }
}

TEST_CASE("a reader of a reduction is no part of the chain that the reduction ends") {
    Tensor x = input("x", {4, 5});
    Tensor e = exp(x);
    SUBCASE("of the reduction itself") {
        std::vector<Group> groups = fused({e - max(e, {.axes = {1}, .keep = true})});
        CHECK(groups.size() == 2);
    }
    SUBCASE("of a view of it") {
        std::vector<Group> groups = fused({e - reshape(max(e, {.axes = {1}}), Shape{4, 1})});
        CHECK(groups.size() == 2);
    }
}

TEST_CASE("two groups stay apart when a third must run between them") {
    Tensor             x      = input("x", {4, 4});
    Tensor             e      = exp(x);
    std::vector<Group> groups = fused({e + matmul(e, e)});
    CHECK(groups.size() == 3);
}
