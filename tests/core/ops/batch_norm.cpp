#include "core/ops/batch_norm.h"

#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

TEST_CASE("batch_norm") {
    Operand channels{.shape = {3}, .low = 0.5, .high = 2};
    SUBCASE("in training agrees with its definition, and so does its gradient") {
        for (Shape x : {Shape{7, 3}, Shape{4, 3, 2, 5}}) {
            Operands operands{{.shape = x}, channels, channels};
            check_operator("batch_norm", [](const Tensors& t) { return batch_norm(t[0], t[1], t[2]).y; }, operands,
                           {.result = {.ulps = 100, .floor = 4}, .slope = {.ulps = 256, .floor = 4}});
            check_operator("batch_norm's mean", [](const Tensors& t) { return batch_norm(t[0], t[1], t[2]).mean; },
                           operands, {.result = {.ulps = 8, .floor = 2}});
            check_operator("batch_norm's variance",
                           [](const Tensors& t) { return batch_norm(t[0], t[1], t[2]).variance; }, operands,
                           {.result = {.ulps = 16, .floor = 2}});
        }
    }
    SUBCASE("in use agrees with its definition, and so does its gradient") {
        for (Shape x : {Shape{7, 3}, Shape{4, 3, 2, 5}}) {
            check_operator(
                "batch_norm in use", [](const Tensors& t) { return batch_norm(t[0], t[1], t[2], t[3], t[4]); },
                {{.shape = x}, channels, channels, channels, channels}, {.result = {.ulps = 16, .floor = 4}});
        }
    }
    SUBCASE("gives every channel mean 0 and variance 1") {
        BatchNorm n = batch_norm(given({4, 1}, {1, 2, 3, 6}), given({1}, {1}), given({1}, {0}), 0.0f);
        CHECK(computed(n.mean)[0] == 3);
        CHECK(computed(n.variance)[0] == 3.5f);
        CHECK(computed(n.y)[3] == doctest::Approx(3 / std::sqrt(3.5)));
    }
    SUBCASE("keeps its digits when the mean is large beside the spread") {
        BatchNorm n = batch_norm(given({4, 1}, {10001, 10002, 10003, 10006}), given({1}, {1}), given({1}, {0}), 0.0f);
        CHECK(computed(n.variance)[0] == doctest::Approx(3.5).epsilon(1e-6));
    }
    SUBCASE("of a constant channel is the shift") {
        BatchNorm n = batch_norm(given({3, 1}, {5, 5, 5}), given({1}, {2}), given({1}, {0.5f}));
        CHECK(computed(n.y) == std::vector<float>{0.5f, 0.5f, 0.5f});
    }
    SUBCASE("refuses what does not fit") {
        Tensor three = input("scale", {3});
        CHECK_THROWS_WITH_AS(batch_norm(input("x", {2, 4}), three, three),
                             "batch_norm: scale has shape [3], but x [2, 4] has 4 channels", ShapeError);
        CHECK_THROWS_WITH_AS(batch_norm(input("x", {2, 3, 4}), three, three),
                             "batch_norm: x has shape [2, 3, 4]; it needs two axes (batch, channels) or four (images, "
                             "channels, rows, columns)",
                             ShapeError);
        CHECK_THROWS_WITH_AS(batch_norm(input("x", {0, 3}), three, three),
                             "batch_norm: x f32 [0, 3] is empty, and nothing has no mean", ShapeError);
    }
}
