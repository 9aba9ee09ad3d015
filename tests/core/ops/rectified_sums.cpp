#include "core/ops/rectified_sums.h"

#include "core/grad.h"
#include "core/operator.h"
#include "core/ops/add.h"
#include "core/ops/batch_norm.h"
#include "core/ops/multiply.h"
#include "core/ops/pool.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace hemp;

namespace {

constexpr CheckOptions as_sums{.result = {.ulps = 16, .floor = 8}};

/// dy, x and three values a channel. Of a gain so small that no y is near the bounds, where a rounding decides.
Operands operands(const Shape& x, double low, double high) {
    Shape each{x[1], 1, 1};
    return {{.shape = x},
            {.shape = x},
            {.shape = each},
            {.shape = each, .low = 0.01, .high = 0.1},
            {.shape = each, .low = low, .high = high}};
}

int64_t count_sums(const Gradients& gradients) {
    Tensors roots;
    for (const Gradient& each : gradients) {
        roots.push_back(each.gradient);
    }
    auto nodes = topological_order(roots);
    return std::count_if(nodes.begin(), nodes.end(),
                         [](const Tensor& tensor) { return tensor.node().op->name == "rectified_sums"; });
}

/// How many nodes of the gradient of relu6(batch_norm(x)), squared and summed up, are rectified sums; `twice`: where
/// what batch norm gives is read once more.
int64_t sums_in_gradient(const Shape& shape, bool twice) {
    Tensor x     = input("x", shape);
    Tensor scale = variable("scale", random_array({.shape = {shape[1]}, .low = 0.5, .high = 2}, 1));
    Tensor shift = variable("shift", random_array({.shape = {shape[1]}}, 2));
    Tensor y     = batch_norm(x, scale, shift).y;
    Tensor r     = relu6(y);
    return count_sums(grad(twice ? sum(r * r + y) : sum(r * r), {scale, shift}));
}

}  // namespace

TEST_CASE("rectified sums") {
    SUBCASE("agree with their definition, and so does their gradient") {
        for (Shape x : {Shape{4, 3, 2, 5}, Shape{2, 5, 9, 11}, Shape{1, 2, 1, 1}, Shape{3, 2, 16, 17}}) {
            for (bool six : {false, true}) {
                for (double offset : {-2.0, 2.0, 8.0}) {  // below 0, between, above 6
                    check_operator(
                        six ? "rectified_sums, relu6" : "rectified_sums",
                        [=](const Tensors& t) { return rectified_sums(t[0], t[1], t[2], t[3], t[4], six); },
                        operands(x, offset, offset + 1), as_sums);
                }
            }
        }
    }
    SUBCASE("leave out single pixels") {
        for (bool six : {false, true}) {
            Operands mixed = operands({3, 2, 9, 7}, -1, 1);
            mixed[3]       = {.shape = {2, 1, 1}, .low = 4, .high = 5};
            check_operator("rectified_sums",
                           [=](const Tensors& t) { return rectified_sums(t[0], t[1], t[2], t[3], t[4], six); }, mixed,
                           {.result = as_sums.result, .gradient = false});
        }
    }
    SUBCASE("are the gradient of batch norm before a rectifier, whose result nobody else reads") {
        CHECK(sums_in_gradient({4, 3, 5, 5}, false) == 1);
        CHECK(sums_in_gradient({4, 3, 5, 5}, true) == 0);
        CHECK(sums_in_gradient({4, 3}, false) == 0);
        Tensor x    = input("x", {4, 3, 5, 5});
        Tensor one  = variable("one", random_array({.shape = {3}}, 1));
        Tensor mean = global_average_pool(relu(batch_norm(x, one, one).y));
        CHECK(count_sums(grad(sum(mean * mean), {one})) == 0);  // its gradient repeats, and need not be written
    }
    SUBCASE("refuse operands that do not fit") {
        Tensor x = input("x", {2, 3, 4, 5}), each = input("each", {3, 1, 1});
        CHECK_THROWS_WITH_AS(
            rectified_sums(input("dy", {2, 3, 5, 4}), x, each, each, each, true),
            "rectified_sums: dy is f32 [2, 3, 5, 4] and x is f32 [2, 3, 4, 5]; they need the same four "
            "axes (images, channels, rows, columns) of f32",
            ShapeError);
        CHECK_THROWS_WITH_AS(
            rectified_sums(x, x, each, input("gain", {3}), each, true),
            "rectified_sums: centre, gain and offset need a value a channel, f32 [3, 1, 1], not f32 [3]", ShapeError);
    }
}
