#include "core/ops/random_uniform.h"

#include "core/grad.h"
#include "core/ops/dropout.h"
#include "core/ops/reduce.h"
#include "core/run/program.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace hemp;

namespace {

Tensor step_of(int32_t step) { return variable("step", Array(Shape{}, std::vector<int32_t>{step})); }

std::vector<float> numbers(int64_t size, uint64_t seed, uint64_t stream, int32_t step) {
    return computed(random_uniform({size}, seed, stream, step_of(step)));
}

}  // namespace

TEST_CASE("random_uniform") {
    SUBCASE("agrees with its definition") {
        Operand step{.shape = {}, .dtype = DType::i32, .low = 0, .high = 1000000};
        for (Shape shape : {Shape{3, 5}, Shape{}, Shape{0}, Shape{9001}}) {
            check_operator(fmt::format("random_uniform {}", shape),
                           [=](const Tensors& x) { return random_uniform(shape, 7, 3, x[0]); }, {step},
                           {.result = {.ulps = 0}, .gradient = false});
        }
    }
    SUBCASE("lies in [0, 1) with the mean and variance of a uniform distribution") {
        std::vector<float> x    = numbers(100000, 1, 2, 3);
        double             mean = std::accumulate(x.begin(), x.end(), 0.0) / 1e5, square = 0;
        for (float value : x) {
            square += (value - mean) * (value - mean) / 1e5;
        }
        CHECK(*std::min_element(x.begin(), x.end()) >= 0);
        CHECK(*std::max_element(x.begin(), x.end()) < 1);
        CHECK(std::abs(mean - 0.5) < 5 * std::sqrt(1 / 12e5));  // five standard deviations
        CHECK(square == doctest::Approx(1 / 12.0).epsilon(0.02));
    }
    SUBCASE("differs from step to step, stream to stream, seed to seed, and repeats otherwise") {
        std::vector<float> x = numbers(8, 1, 2, 3);
        CHECK(x == numbers(8, 1, 2, 3));
        CHECK(x != numbers(8, 1, 2, 4));
        CHECK(x != numbers(8, 1, 3, 3));
        CHECK(x != numbers(8, 2, 2, 3));
    }
    SUBCASE("of a longer shape begins with the numbers of a shorter one") {
        std::vector<float> longer = numbers(5000, 1, 2, 3);
        longer.resize(7);
        CHECK(longer == numbers(7, 1, 2, 3));
    }
    SUBCASE("refuses a step that is no number") {
        CHECK_THROWS_WITH_AS(random_uniform({3}, 1, 2, input("step", {2}, DType::i32)),
                             "random_uniform: the step is i32 [2]; it must be one i32", ShapeError);
    }
}

TEST_CASE("dropout") {
    SUBCASE("agrees with its definition, and so does its gradient") {
        check_operator("dropout", [](const Tensors& x) { return dropout(x[0], 0.3f, 7, 3, step_of(5)); },
                       {{.shape = {4, 25}}}, {.result = {.ulps = 1}});
    }
    SUBCASE("sets about its rate to 0 and keeps the mean") {
        std::vector<float> y =
            computed(dropout(given({100000}, std::vector<float>(100000, 1.0f)), 0.25f, 1, 2, step_of(0)));
        double zeros = static_cast<double>(std::count(y.begin(), y.end(), 0.0f)) / 1e5;
        CHECK(std::abs(zeros - 0.25) < 5 * std::sqrt(0.25 * 0.75 / 1e5));
        CHECK(*std::max_element(y.begin(), y.end()) == doctest::Approx(1 / 0.75));
    }
    SUBCASE("of rate 0 changes nothing") {
        CHECK(computed(dropout(given({3}, {1, 2, 3}), 0, 1, 2, step_of(0))) == std::vector<float>{1, 2, 3});
    }
    SUBCASE("refuses a rate of 1") {
        CHECK_THROWS_WITH_AS(dropout(input("x", {3}), 1, 1, 2, step_of(0)),
                             "dropout: the rate is 1; it must be at least 0 and below 1", UsageError);
    }
}
