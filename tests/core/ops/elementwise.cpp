#include "core/ops/add.h"
#include "core/ops/clamp.h"
#include "core/ops/compare.h"
#include "core/ops/divide.h"
#include "core/ops/exp.h"
#include "core/ops/expand.h"
#include "core/ops/log.h"
#include "core/ops/multiply.h"
#include "core/ops/multiply_add.h"
#include "core/ops/negate.h"
#include "core/ops/normalise.h"
#include "core/ops/normalise_gradient.h"
#include "core/ops/relu.h"
#include "core/ops/select.h"
#include "core/ops/sigmoid.h"
#include "core/ops/sqrt.h"
#include "core/ops/subtract.h"
#include "core/ops/tanh.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

namespace {

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity  = std::numeric_limits<float>::infinity();

Tensor vector(std::vector<float> values) {
    int64_t size = static_cast<int64_t>(values.size());
    return given({size}, values);
}

/// Everything that an operator of one operand has to stand, over values between low and high.
void check_unary(const std::string& name, Tensor (*f)(const Tensor&), double low, double high, Tolerance tolerance) {
    Builder build = [f](const Tensors& x) { return f(x[0]); };
    check_operator(name, build, {{.shape = {5, 7}, .low = low, .high = high}}, {.result = tolerance});
    check_operator(name, build, {{.shape = {}, .low = low, .high = high}}, {.result = tolerance});
    check_operator(name, build, {{.shape = {3, 0, 2}, .low = low, .high = high}}, {.result = tolerance});
    check_lengths(
        name, build, [=](int64_t n) { return Operands{{.shape = {n}, .low = low, .high = high}}; }, tolerance);
}

/// The same for two operands, with broadcasting on either side.
void check_binary(const std::string& name, Tensor (*f)(const Tensor&, const Tensor&), bool gradient = true,
                  double low = -2, double high = 2, Tolerance tolerance = {.ulps = 1}) {
    Builder                       build   = [f](const Tensors& x) { return f(x[0], x[1]); };
    const std::pair<Shape, Shape> pairs[] = {{{5, 7}, {5, 7}},         {{2, 3, 4}, {4}}, {{7}, {5, 7}},
                                             {{2, 1, 4}, {3, 1}},      {{}, {3, 3}},     {{0, 3}, {3}},
                                             {{2, 3, 2, 2}, {3, 1, 1}}};
    for (const auto& [a, b] : pairs) {
        check_operator(name, build, {{.shape = a, .low = low, .high = high}, {.shape = b, .low = low, .high = high}},
                       {.result = tolerance, .gradient = gradient});
    }
    check_lengths(
        name, build,
        [=](int64_t n) {
            return Operands{{.shape = {n}, .low = low, .high = high}, {.shape = {n}, .low = low, .high = high}};
        },
        tolerance);
    check_lengths(
        name + " with a repeated row", build,
        [=](int64_t n) {
            return Operands{{.shape = {3, n}, .low = low, .high = high}, {.shape = {n}, .low = low, .high = high}};
        },
        tolerance);
}

}  // namespace

TEST_CASE("add") {
    SUBCASE("agrees with its definition") { check_binary("add", add); }
    SUBCASE("refuses shapes that do not broadcast") {
        CHECK_THROWS_WITH_AS(add(input("a", {4, 3}), input("b", {4, 2})),
                             "add: shapes [4, 3] and [4, 2] do not fit; counted from the end, axis 1 has lengths 3 and "
                             "2, which must be equal or one of them 1",
                             ShapeError);
    }
    SUBCASE("refuses integers") {
        CHECK_THROWS_WITH_AS(add(input("a", {4}), input("b", {4}, DType::i32)),
                             "add: an operand has elements of type i32; it needs f32 (use cast)", ShapeError);
    }
    SUBCASE("refuses an empty handle") {
        CHECK_THROWS_WITH_AS(add(input("a", {4}), Tensor()), "add: an operand is no tensor (an empty handle)",
                             ShapeError);
    }
    SUBCASE("of a tensor and itself") {
        check_operator("add to itself", [](const Tensors& x) { return x[0] + x[0]; }, {{.shape = {3, 4}}});
    }
}

TEST_CASE("subtract") { check_binary("subtract", subtract); }
TEST_CASE("multiply") { check_binary("multiply", multiply); }
TEST_CASE("divide") {
    SUBCASE("agrees with its definition") { check_binary("divide", divide, true, 0.5, 3); }
    SUBCASE("by zero gives an infinity, 0/0 is NaN") {
        std::vector<float> y = computed(divide(vector({1, -1, 0}), constant(0.0f)));
        CHECK(y[0] == infinity);
        CHECK(y[1] == -infinity);
        CHECK(std::isnan(y[2]));
    }
}
TEST_CASE("negate") { check_unary("negate", negate, -2, 2, {.ulps = 0}); }

TEST_CASE("exp") { check_unary("exp", exp, -3, 3, {.ulps = 2}); }
TEST_CASE("log") { check_unary("log", log, 0.1, 3, {.ulps = 2}); }
TEST_CASE("tanh") { check_unary("tanh", tanh, -3, 3, {.ulps = 2}); }
TEST_CASE("sigmoid") { check_unary("sigmoid", sigmoid, -5, 5, {.ulps = 4}); }
TEST_CASE("sqrt") {
    SUBCASE("agrees with its definition") { check_unary("sqrt", sqrt, 0.1, 3, {.ulps = 0.5}); }
    SUBCASE("of a negative number is NaN") { CHECK(std::isnan(computed(sqrt(vector({-1})))[0])); }
}

TEST_CASE("relu") {
    SUBCASE("agrees with its definition") { check_unary("relu", relu, -2, 2, {.ulps = 0}); }
    SUBCASE("lets NaN through") {
        std::vector<float> y = computed(relu(vector({nan_value, -1, 2, -infinity, infinity})));
        CHECK(std::isnan(y[0]));
        CHECK(y[1] == 0);
        CHECK(y[2] == 2);
        CHECK(y[3] == 0);
        CHECK(y[4] == infinity);
    }
}

TEST_CASE("relu6") {
    SUBCASE("agrees with its definition") { check_unary("relu6", relu6, -3, 9, {.ulps = 0}); }
    SUBCASE("lets NaN through") {
        std::vector<float> y = computed(relu6(vector({nan_value, -1, 2, infinity})));
        CHECK(std::isnan(y[0]));
        CHECK(y[1] == 0);
        CHECK(y[2] == 2);
        CHECK(y[3] == 6);
    }
}

TEST_CASE("gradients of rectifiers") {
    SUBCASE("agree with their definitions") {
        check_binary("relu_gradient", relu_gradient, true, -2, 2, {.ulps = 0});
        check_binary("relu6_gradient", relu6_gradient, true, -3, 9, {.ulps = 0});
    }
    SUBCASE("are zero on the bounds") {
        CHECK(computed(relu_gradient(vector({0, 1}), vector({5, 5}))) == std::vector<float>{0, 5});
        CHECK(computed(relu6_gradient(vector({0, 5, 6}), vector({5, 5, 5}))) == std::vector<float>{0, 5, 0});
    }
    SUBCASE("behind batch norm agree with their definitions") {
        // Results far from the bounds: there a rounding decides.
        Operands operands{{.shape = {2, 3, 4}, .low = 1, .high = 2},
                          {.shape = {3, 1}, .low = 0, .high = 0.5},
                          {.shape = {3, 1}, .low = 1, .high = 1.5},
                          {.shape = {3, 1}, .low = 1, .high = 2},
                          {.shape = {2, 3, 4}}};
        auto     all  = [](const Tensors& t) { return normalised_relu_gradient(t[0], t[1], t[2], t[3], t[4]); };
        auto     all6 = [](const Tensors& t) { return normalised_relu6_gradient(t[0], t[1], t[2], t[3], t[4]); };
        check_operator("normalised_relu_gradient", all, operands, {.result = {.ulps = 0}});
        check_operator("normalised_relu6_gradient", all6, operands, {.result = {.ulps = 0}});
        for (auto& bound : {&operands[2], &operands[3]}) {
            bound->low  = -20;
            bound->high = -19;
        }
        check_operator("normalised_relu_gradient below", all, operands, {.result = {.ulps = 0}});
        operands[2] = operands[3] = {.shape = {3, 1}, .low = 19, .high = 20};
        check_operator("normalised_relu6_gradient above", all6, operands, {.result = {.ulps = 0}});
    }
    SUBCASE("are the same whether batch norm comes before or not") {
        Tensor x = vector({-2, -0.5f, 0.5f, 2}), c = vector({0.25f}), g = vector({1.5f}), o = vector({0.25f});
        Tensor dy = vector({1, 2, 3, 4});
        CHECK(computed(normalised_relu_gradient(x, c, g, o, dy)) ==
              computed(relu_gradient(relu(normalise(x, c, g, o)), dy)));
    }
}

TEST_CASE("normalise") {
    Builder build = [](const Tensors& t) { return normalise(t[0], t[1], t[2], t[3]); };
    check_operator("normalise", build, {{.shape = {4, 5}}, {.shape = {4, 5}}, {.shape = {4, 5}}, {.shape = {4, 5}}},
                   {.result = {.ulps = 4, .floor = 1}});
    check_operator("normalise a channel", build,
                   {{.shape = {2, 3, 2, 2}}, {.shape = {3, 1, 1}}, {.shape = {3, 1, 1}}, {.shape = {3, 1, 1}}},
                   {.result = {.ulps = 4, .floor = 1}});
    check_operator("normalise with a centre and a gain of different shapes", build,
                   {{.shape = {4, 5}}, {.shape = {5}}, {.shape = {4, 1}}, {.shape = {}}},
                   {.result = {.ulps = 4, .floor = 1}});
    check_lengths("normalise", build,
                  [](int64_t n) {
                      return Operands{{.shape = {n}}, {.shape = {n}}, {.shape = {n}}, {.shape = {n}}};
                  },
                  {.ulps = 4, .floor = 1});
}

TEST_CASE("normalise_gradient") {
    for (bool six : {false, true}) {
        CAPTURE(six);
        Builder build = [=](const Tensors& t) {
            return normalise_gradient(t[0], t[1], t[2], t[3], t[4], t[5], t[6], six);
        };
        CheckOptions options{.result = {.ulps = 8, .floor = 4}, .gradient = false};
        // Gains and offsets that bring some values below 0, and some above 6.
        Operand gain{.shape = {3, 1, 1}, .low = 1, .high = 6}, offset{.shape = {3, 1, 1}, .low = 0, .high = 4};
        Operand image{.shape = {2, 3, 4, 5}}, each{.shape = {3, 1, 1}};
        check_operator("normalise_gradient", build, {image, image, each, gain, offset, each, each}, options);
        check_operator("normalise_gradient of a repeated dy", build, {each, image, each, gain, offset, each, each},
                       options);
        check_lengths(
            "normalise_gradient", build, [](int64_t n) { return Operands(7, {.shape = {n}}); }, options.result);
    }
}

TEST_CASE("multiply_add") {
    Builder build = [](const Tensors& t) { return multiply_add(t[0], t[1], t[2]); };
    check_operator("multiply_add", build, {{.shape = {4, 5}}, {.shape = {4, 5}}, {.shape = {4, 5}}},
                   {.result = {.ulps = 2, .floor = 1}});
    check_operator("multiply_add", build, {{.shape = {4, 1}}, {.shape = {}}, {.shape = {1, 5}}},
                   {.result = {.ulps = 2, .floor = 1}});
    check_lengths("multiply_add", build,
                  [](int64_t n) {
                      return Operands{{.shape = {n}}, {.shape = {n}}, {.shape = {n}}};
                  },
                  {.ulps = 2, .floor = 1});
}

TEST_CASE("maximum and minimum") {
    SUBCASE("agree with their definitions") {
        check_binary("maximum", maximum, true, -2, 2, {.ulps = 0});
        check_binary("minimum", minimum, true, -2, 2, {.ulps = 0});
    }
    SUBCASE("let NaN of either side through") {
        for (auto f : {maximum, minimum}) {
            std::vector<float> y = computed(f(vector({nan_value, 1, nan_value}), vector({1, nan_value, nan_value})));
            CHECK(std::isnan(y[0]));
            CHECK(std::isnan(y[1]));
            CHECK(std::isnan(y[2]));
        }
    }
    SUBCASE("clamp moves into an interval") {
        CHECK(computed(clamp(vector({-3, 0.5f, 3}), constant(-1.0f), constant(1.0f))) ==
              std::vector<float>{-1, 0.5f, 1});
    }
}

TEST_CASE("comparisons") {
    SUBCASE("agree with their definitions") {
        check_binary("greater", greater, true, -1, 1, {.ulps = 0});
        check_binary("greater_equal", greater_equal, true, -1, 1, {.ulps = 0});
        check_binary("equal", equal, true, -1, 1, {.ulps = 0});
        check_binary("less", less, true, -1, 1, {.ulps = 0});
        check_binary("less_equal", less_equal, true, -1, 1, {.ulps = 0});
    }
    SUBCASE("of equal values") {
        Tensor a = vector({1, 2});
        CHECK(computed(greater(a, a)) == std::vector<float>{0, 0});
        CHECK(computed(greater_equal(a, a)) == std::vector<float>{1, 1});
        CHECK(computed(equal(a, a)) == std::vector<float>{1, 1});
    }
    SUBCASE("with NaN are false") {
        Tensor a = vector({nan_value, 1});
        Tensor b = vector({1, nan_value});
        for (auto f : {greater, greater_equal, equal, less, less_equal}) {
            CHECK(computed(f(a, b)) == std::vector<float>{0, 0});
        }
    }
}

TEST_CASE("select") {
    Builder build = [](const Tensors& x) { return select(greater(x[0], constant(0.0f)), x[1], x[2]); };
    SUBCASE("agrees with its definition") {
        check_operator("select", build, {{.shape = {4, 5}}, {.shape = {4, 5}}, {.shape = {5}}},
                       {.result = {.ulps = 0}});
        check_operator("select", build, {{.shape = {4, 1}}, {.shape = {}}, {.shape = {1, 5}}}, {.result = {.ulps = 0}});
        check_lengths(
            "select", [](const Tensors& x) { return select(x[0], x[1], x[2]); },
            [](int64_t n) {
                return Operands{{.shape = {n}, .low = 0, .high = 1}, {.shape = {n}}, {.shape = {n}}};
            },
            {.ulps = 0});
    }
    SUBCASE("lets no NaN through from the branch not taken") {
        CHECK(computed(select(vector({1, 0}), vector({5, nan_value}), vector({nan_value, 6}))) ==
              std::vector<float>{5, 6});
    }
}

TEST_CASE("expand") {
    SUBCASE("agrees with its definition") {
        for (Shape from : {Shape{1, 4}, Shape{4}, Shape{3, 1}, Shape{}, Shape{3, 4}}) {
            check_operator("expand",
                           [](const Tensors& x) {
                               return expand(x[0], {3, 4});
                           },
                           {{.shape = from}}, {.result = {.ulps = 0}});
        }
        check_operator("expand", [](const Tensors& x) { return expand(x[0], {2, 3, 0}); }, {{.shape = {3, 0}}});
    }
    SUBCASE("refuses what cannot be repeated") {
        CHECK_THROWS_AS(expand(input("x", {3}), {4}), ShapeError);
        CHECK_THROWS_WITH_AS(expand(input("x", {3, 4}), {1, 4}), "expand: shape [3, 4] cannot be repeated to [1, 4]",
                             ShapeError);
    }
}
