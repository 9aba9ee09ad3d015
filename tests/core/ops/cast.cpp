// Operators from or to integers: cast, one_hot, argmax.

#include "core/ops/cast.h"

#include "core/ops/argmax.h"
#include "core/ops/multiply.h"
#include "core/ops/one_hot.h"
#include "core/run/program.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

namespace {

const CheckOptions exact_without_gradient{.result = {.ulps = 0}, .gradient = false};

std::vector<int32_t> computed_integers(const Tensor& y) {
    Program program = compile({y}, {}, {.threads = 1, .verify = true});
    program.run();
    auto values = program.output(0).values<int32_t>();
    return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("cast") {
    SUBCASE("agrees with its definition") {
        check_operator(
            "cast i32 to f32", [](const Tensors& x) { return cast(x[0], DType::f32); },
            {{.shape = {3, 4}, .dtype = DType::i32, .low = -99, .high = 99}}, exact_without_gradient);
        check_operator(
            "cast u8 to f32", [](const Tensors& x) { return cast(x[0], DType::f32); },
            {{.shape = {3, 4}, .dtype = DType::u8, .low = 0, .high = 255}}, exact_without_gradient);
        for (DType to : {DType::i32, DType::u8}) {
            Builder build = [to](const Tensors& x) { return cast(x[0], to); };
            check_operator(fmt::format("cast f32 to {}", name_of(to)), build,
                           {{.shape = {3, 4}, .low = -300, .high = 300}}, exact_without_gradient);
            check_lengths(fmt::format("cast f32 to {}", name_of(to)), build,
                          [](int64_t n) { return Operands{{.shape = {n}, .low = -300, .high = 300}}; }, {.ulps = 0});
        }
    }
    SUBCASE("to an integer saturates, and turns NaN into 0") {
        float  infinity = std::numeric_limits<float>::infinity();
        Tensor x        = given({6}, {-1e20f, 1e20f, infinity, -infinity, std::nanf(""), -1.9f});
        CHECK(computed_integers(cast(x, DType::i32)) ==
              std::vector<int32_t>{-2147483647 - 1, 2147483520, 2147483520, -2147483647 - 1, 0, -1});
        CHECK(computed(cast(cast(x, DType::u8), DType::f32)) == std::vector<float>{0, 255, 255, 0, 0, 0});
    }
    SUBCASE("to the type that it has is the tensor itself") {
        Tensor x = input("x", {3});
        CHECK(cast(x, DType::f32) == x);
    }
    SUBCASE("refuses other pairs of types") {
        CHECK_THROWS_WITH_AS(cast(input("x", {3}, DType::u8), DType::i32),
                             "cast: from u8 to i32 is not supported; one of both must be f32, the other i32 or u8",
                             ShapeError);
        CHECK_THROWS_AS(cast(input("x", {3}), DType::i64), ShapeError);
    }
}

TEST_CASE("one_hot") {
    check_operator(
        "one_hot", [](const Tensors& x) { return one_hot(x[0], 5); },
        {{.shape = {3, 4}, .dtype = DType::i32, .low = 0, .high = 4}}, exact_without_gradient);
    SUBCASE("of a label out of range is all 0") {
        check_operator(
            "one_hot", [](const Tensors& x) { return one_hot(x[0], 5); },
            {{.shape = {30}, .dtype = DType::i32, .low = -3, .high = 8}}, exact_without_gradient);
    }
    CHECK_THROWS_WITH_AS(one_hot(input("x", {3}), 5), "one_hot: labels are f32; they must be i32 or u8", ShapeError);
}

TEST_CASE("argmax") {
    SUBCASE("agrees with its definition") {
        for (Shape shape : {Shape{4, 7}, Shape{2, 3, 5}, Shape{9}, Shape{3, 1}, Shape{0, 3}}) {
            check_operator(
                "argmax", [](const Tensors& x) { return argmax(x[0]); }, {{.shape = shape}}, exact_without_gradient);
        }
        check_operator(
            "argmax of many rows", [](const Tensors& x) { return argmax(x[0]); }, {{.shape = {3000, 10}}},
            exact_without_gradient);
    }
    SUBCASE("is the first of equals, and a NaN counts as largest") {
        CHECK(computed_integers(argmax(given({2, 3}, {1, 2, 2, 5, std::nanf(""), std::nanf("")}))) ==
              std::vector<int32_t>{1, 1});
    }
    SUBCASE("refuses what has no last axis") {
        CHECK_THROWS_WITH_AS(argmax(input("x", {})), "argmax: x has shape []; it needs a last axis that is not empty",
                             ShapeError);
        CHECK_THROWS_AS(argmax(input("x", {3, 0})), ShapeError);
    }
}
