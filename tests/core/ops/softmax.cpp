#include "core/ops/softmax.h"

#include "core/grad.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/divide.h"
#include "core/ops/exp.h"
#include "core/ops/log.h"
#include "core/ops/reduce.h"
#include "core/ops/subtract.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

TEST_CASE("softmax") {
    Builder build = [](const Tensors& x) { return softmax(x[0]); };
    SUBCASE("agrees with its definition") {
        for (Shape shape : {Shape{3, 10}, Shape{2, 3, 5}, Shape{7}, Shape{4, 1}, Shape{0, 3}}) {
            check_operator("softmax", build, {{.shape = shape}}, {.result = {.ulps = 8}});
        }
        check_lengths("softmax", build, [](int64_t n) { return Operands{{.shape = {3, n}}}; }, {.ulps = 8});
        check_operator("softmax of many rows", build, {{.shape = {2000, 10}}},
                       {.result = {.ulps = 8}, .gradient = false});
    }
    SUBCASE("agrees with its composition of other operators") {
        check_operator("softmax, composed",
                       [](const Tensors& x) {
                           Tensor e = exp(x[0] - max(x[0], {.axes = {-1}, .keep = true}));
                           return softmax(x[0]) - e / sum(e, {.axes = {-1}, .keep = true});
                       },
                       {{.shape = {5, 10}}}, {.result = {.ulps = 8, .floor = 1}});
    }
    SUBCASE("of logits of +-1000 is finite") {
        CHECK(computed(softmax(given({3}, {1000, -1000, 1000}))) == std::vector<float>{0.5f, 0, 0.5f});
    }
    SUBCASE("with a NaN is NaN") { CHECK(std::isnan(computed(softmax(given({2}, {1, std::nanf("")})))[0])); }
    SUBCASE("refuses a scalar and an empty last axis") {
        CHECK_THROWS_WITH_AS(softmax(input("x", {})), "softmax: x has shape []; it needs at least one axis",
                             ShapeError);
        CHECK_THROWS_WITH_AS(softmax(input("x", {3, 0})), "softmax: the last axis of [3, 0] is empty", ShapeError);
    }
}

TEST_CASE("log_softmax") {
    Builder build = [](const Tensors& x) { return log_softmax(x[0]); };
    SUBCASE("agrees with its definition") {
        for (Shape shape : {Shape{3, 10}, Shape{2, 3, 5}, Shape{7}, Shape{4, 1}}) {
            check_operator("log_softmax", build, {{.shape = shape}}, {.result = {.ulps = 4, .floor = 4}});
        }
        check_lengths("log_softmax", build,
                      [](int64_t n) {
                          return Operands{{.shape = {3, n}}};
                      },
                      {.ulps = 8, .floor = 4});
    }
    SUBCASE("of logits of +-1000 is finite") {
        CHECK(computed(log_softmax(given({2}, {1000, -1000}))) == std::vector<float>{0, -2000});
    }
}

TEST_CASE("cross_entropy") {
    Operands operands{{.shape = {6, 10}}, {.shape = {6}, .dtype = DType::i32, .low = 0, .high = 9}};
    SUBCASE("agrees with its definition") {
        for (float smoothing : {0.0f, 0.1f}) {
            check_operator("cross_entropy", [=](const Tensors& x) { return cross_entropy(x[0], x[1], smoothing); },
                           operands, {.result = {.ulps = 16, .floor = 1}});
        }
        operands[1].dtype = DType::u8;
        check_operator("cross_entropy of bytes", [](const Tensors& x) { return cross_entropy(x[0], x[1]); }, operands,
                       {.result = {.ulps = 16, .floor = 1}});
    }
    Tensor labels = variable("labels", Array(Shape{2}, std::vector<int32_t>{0, 1}));
    SUBCASE("of logits of +-1000 and its gradient are finite") {
        Tensor logits = given({2, 2}, {-1000, 1000, -1000, 1000});
        Tensor loss   = cross_entropy(logits, labels);
        CHECK(computed(loss) == std::vector<float>{1000});
        CHECK(computed(grad(loss, {logits})[0].gradient) == std::vector<float>{-0.5f, 0.5f, 0, 0});
    }
    SUBCASE("of smoothed labels counts every class") {
        // Probabilities of 1/8, 2/8 and 5/8, which should be 0.1, 0.8 and 0.1.
        Tensor logits = given({1, 3}, {0, std::log(2.0f), std::log(5.0f)});
        Tensor label  = variable("label", Array(Shape{1}, std::vector<int32_t>{1}));
        CHECK(computed(cross_entropy(logits, label, 0.3f))[0] ==
              doctest::Approx(0.1 * std::log(8.0) + 0.8 * std::log(4.0) + 0.1 * std::log(1.6)));
    }
    SUBCASE("of equal logits is the logarithm of the number of classes") {
        CHECK(computed(cross_entropy(given({2, 4}, std::vector<float>(8, 3.0f)), labels))[0] ==
              doctest::Approx(std::log(4.0)));
    }
    SUBCASE("counts a label out of range as a loss of 0") {
        Tensor one_outside = variable("labels", Array(Shape{2}, std::vector<int32_t>{-1, 1}));
        CHECK(computed(cross_entropy(given({2, 2}, {0, 0, 0, 0}), one_outside))[0] ==
              doctest::Approx(std::log(2.0) / 2));
    }
    SUBCASE("refuses what does not fit") {
        CHECK_THROWS_WITH_AS(cross_entropy(input("x", {4}), labels),
                             "cross_entropy: logits have shape [4]; they need two axes (batch, classes)", ShapeError);
        CHECK_THROWS_WITH_AS(cross_entropy(input("x", {4, 3}), labels),
                             "cross_entropy: labels have shape [2], logits [4, 3]; they need one label a row",
                             ShapeError);
        CHECK_THROWS_WITH_AS(cross_entropy(input("x", {2, 3}), input("labels", {2})),
                             "one_hot: labels are f32; they must be i32 or u8", ShapeError);
    }
}

TEST_CASE("distillation") {
    check_operator("distillation", [](const Tensors& x) { return distillation(x[0], x[1], 3); },
                   {{.shape = {4, 5}}, {.shape = {4, 5}}}, {.result = {.ulps = 32, .floor = 10}});
}
