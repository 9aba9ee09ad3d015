#include "core/ops/reduce.h"

#include "core/ops/multiply.h"
#include "core/ops/subtract.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

namespace {

using Reduce = Tensor (*)(const Tensor&, const ReduceOptions&);

void check_reduction(const std::string& name, Reduce reduce, Tolerance tolerance) {
    for (std::vector<int> axes : {std::vector<int>{}, {0}, {1}, {2}, {-1}, {0, 2}, {1, 2}, {0, 1}, {2, 0, 1}}) {
        for (bool keep : {false, true}) {
            check_operator(name, [=](const Tensors& x) { return reduce(x[0], {.axes = axes, .keep = keep}); },
                           {{.shape = {3, 4, 5}}}, {.result = tolerance});
        }
    }
    check_operator(name + " of a batch of images",
                   [=](const Tensors& x) {
                       return reduce(x[0], {.axes = {0, 2, 3}});
                   },
                   {{.shape = {2, 3, 4, 5}}}, {.result = tolerance});
    check_operator(name + " of a scalar", [=](const Tensors& x) { return reduce(x[0], {}); }, {{.shape = {}}},
                   {.result = tolerance});
    check_lengths(
        name, [=](const Tensors& x) { return reduce(x[0], {}); }, [](int64_t n) { return Operands{{.shape = {n}}}; },
        tolerance);
    check_lengths(
        name + " of rows", [=](const Tensors& x) { return reduce(x[0], {.axes = {1}}); },
        [](int64_t n) {
            return Operands{{.shape = {3, n}}};
        },
        tolerance);
    check_lengths(
        name + " of columns", [=](const Tensors& x) { return reduce(x[0], {.axes = {0}}); },
        [](int64_t n) {
            return Operands{{.shape = {3, n}}};
        },
        tolerance);
}

}  // namespace

TEST_CASE("sum") {
    SUBCASE("agrees with its definition") { check_reduction("sum", sum, {.ulps = 4, .floor = 100}); }
    SUBCASE("over nothing is 0") {
        CHECK(computed(sum(given({2, 0}, {}), {.axes = {1}})) == std::vector<float>{0, 0});
        CHECK(computed(sum(given({0}, {}))) == std::vector<float>{0});
    }
    SUBCASE("of many equal numbers keeps its digits") {
        std::vector<float> many(1 << 20, 0.1f);
        CHECK(computed(sum(given({1 << 20}, many)))[0] == doctest::Approx(0.1f * (1 << 20)).epsilon(1e-6));
    }
    SUBCASE("refuses an axis named twice or missing") {
        CHECK_THROWS_WITH_AS(sum(input("x", {2, 3}), {.axes = {1, -1}}), "sum: an axis is named twice", ShapeError);
        CHECK_THROWS_WITH_AS(sum(input("x", {2, 3}), {.axes = {2}}), "sum: axis 2 is not one of the 2 axes of [2, 3]",
                             ShapeError);
        CHECK_THROWS_WITH_AS(sum(input("x", {2}, DType::u8)), "sum: x has elements of type u8; it needs f32 (use cast)",
                             ShapeError);
    }
}

TEST_CASE("mean") {
    check_reduction("mean", mean, {.ulps = 8, .floor = 1});
    check_operator("a tensor less its mean", [](const Tensors& x) { return x[0] - mean(x[0]); }, {{.shape = {3, 5}}},
                   {.result = {.ulps = 4, .floor = 2}});
    check_operator("variance",
                   [](const Tensors& x) {
                       Tensor centred = x[0] - mean(x[0], {.axes = {0}, .keep = true});
                       return mean(centred * centred, {.axes = {0}});
                   },
                   {{.shape = {6, 5}}}, {.result = {.ulps = 8, .floor = 2}});
}

TEST_CASE("max and min") {
    SUBCASE("agree with their definitions") {
        check_reduction("max", max, {.ulps = 0});
        check_reduction("min", min, {.ulps = 0});
    }
    SUBCASE("are NaN where one is among the values, wherever it stands") {
        for (size_t place : {0u, 5u, 1030u, 5000u}) {
            std::vector<float> values(6000, 1.0f);
            values[place] = std::nanf("");
            CHECK(std::isnan(computed(max(given({6000}, values)))[0]));
            CHECK(std::isnan(computed(min(given({6000}, values)))[0]));
        }
    }
    SUBCASE("of infinities") {
        float infinity = std::numeric_limits<float>::infinity();
        CHECK(computed(max(given({2}, {-infinity, -infinity})))[0] == -infinity);
        CHECK(computed(min(given({2}, {infinity, infinity})))[0] == infinity);
    }
    SUBCASE("refuse an empty axis") {
        CHECK_THROWS_WITH_AS(max(input("x", {2, 0}), {.axes = {1}}),
                             "max: axis 1 of [2, 0] is empty, and there is no extreme of nothing", ShapeError);
    }
}
