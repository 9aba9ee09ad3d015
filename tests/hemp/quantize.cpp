#include "hemp/quantize.h"

#include "core/ops/add.h"
#include "core/ops/multiply.h"
#include "core/random.h"
#include "hemp/quantizer.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/hemp/run_node.h"
#include "tests/instruction_sets.h"

#include <cmath>

using namespace hemp;
using hemp::test::Runner;

namespace {

Tensor constants(const std::vector<float>& values) {
    return constant(Array(Shape{static_cast<int64_t>(values.size())}, values));
}

std::vector<float> normals(size_t size, uint64_t stream) {
    Random             random(7, stream);
    std::vector<float> values;
    for (size_t i = 0; i < size; ++i) {
        values.push_back(random.normal(i));
    }
    return values;
}

// Levels -L/8, -L/8 + 1/4 ... : exact in float.
std::vector<float> quarters(int count) {
    std::vector<float> levels;
    for (int k = 0; k < count; ++k) {
        levels.push_back(static_cast<float>(k - count / 2) / 4);
    }
    return levels;
}

Tensor given_levels(int count) { return given({count}, quarters(count)); }

// The gradient to the levels, alone.
Tensor levels_gradient(const Tensor& dy, const Tensor& w, const Tensor& levels) {
    Tensor y = quantize(w, levels);
    return y.node().op->gradient(y, dy)[1];
}

}  // namespace

TEST_CASE("quantize agrees with its plain version in double") {
    constexpr Tolerance sums{.ulps = 8, .floor = 1};
    for (int levels : {2, 7, 16, 17, 40}) {  // a chain of compares up to 16, a search beyond
        CAPTURE(levels);
        // Straight-through, so that differences would not be the gradient to w.
        check_operator(fmt::format("quantize to {}", levels),
                       [=](const Tensors& x) { return quantize(x[0], given_levels(levels)); }, {{.shape = {7, 15}}},
                       {.result = {.ulps = 0}, .gradient = false});
        check_operator(fmt::format("gradient of {} levels", levels),
                       [=](const Tensors& x) { return levels_gradient(x[0], x[1], given_levels(levels)); },
                       {{.shape = {7, 15}}, {.shape = {7, 15}}}, {.result = sums, .gradient = false});
        // Levels that are computed; operand 0 moves each of them by less than half a step.
        check_operator(fmt::format("quantize a given tensor to {}", levels),
                       [=](const Tensors& x) {
                           return quantize(given({300}, normals(300, 2)), given_levels(levels) + 0.1f * x[0]);
                       },
                       {{.shape = {levels}, .low = -1, .high = 1}}, {.result = {.ulps = 2, .floor = 1}, .slope = sums});
    }
    for (int levels : {7, 40}) {
        check_lengths(
            fmt::format("quantize to {}", levels),
            [=](const Tensors& x) { return quantize(x[0], given_levels(levels)); },
            [](int64_t length) { return Operands{{.shape = {length}}}; }, {.ulps = 0});
        check_lengths(
            fmt::format("gradient of {} levels", levels),
            [=](const Tensors& x) { return levels_gradient(x[0], x[1], given_levels(levels)); },
            [](int64_t length) {
                return Operands{{.shape = {length}}, {.shape = {length}}};
            },
            {.ulps = 8, .floor = 64});
    }
}

TEST_CASE("quantize") {
    SUBCASE("gives the nearest level, halfway the lower, and keeps NaN") {
        std::vector<float> y = floats_of(Runner()(quantize(constants({-5, 0.5f, 0.6f, 3, NAN}), constants({0, 1}))));
        CHECK(std::vector<float>(y.begin(), y.end() - 1) == std::vector<float>{0, 0, 1, 1});
        CHECK(std::isnan(y.back()));
    }
    SUBCASE("passes the gradient straight through to the weights") {
        Tensor w  = constants({-5, 0.2f, 3});
        Tensor dy = constants({1, 2, 3});
        Tensor y  = quantize(w, constants({0, 1}));
        CHECK(y.node().op->gradient(y, dy)[0] == dy);
    }
    SUBCASE("gives each level the sum of the gradient over its weights") {
        Tensor y  = quantize(constants({-5, 0.2f, 3, 0.9f}), constants({0, 1, 9}));
        Tensor dy = constants({1, 2, 4, 8});
        CHECK(floats_of(Runner()(y.node().op->gradient(y, dy)[1])) == std::vector<float>{3, 12, 0});
    }
    SUBCASE("refuses levels that are no list of 2 to 256") {
        CHECK_THROWS_WITH_AS(quantize(constants({1}), constants({1})),
                             "quantize: levels are f32 [1], but must be f32 of one axis with 2 to 256 levels",
                             ShapeError);
        CHECK_THROWS_AS(quantize(constants({1}), constant(1.0f)), ShapeError);
    }
    SUBCASE("value and gradient are right, and the same bits, at every length, number of threads and instruction set") {
        for (size_t size : {1, 15, 33, 1000, 40000}) {
            for (int count : {2, 7, 16, 17, 256}) {
                std::vector<float>   weights  = normals(size, 0);
                std::vector<float>   slopes   = normals(size, 1);
                std::vector<float>   levels   = uniform_mid_tread(normals(1000, 0), count).levels;
                std::vector<float>   expected = nearest(weights, levels);
                std::vector<double>  sums(levels.size());
                std::vector<uint8_t> symbol = symbols(weights, levels);
                for (size_t i = 0; i < size; ++i) {
                    sums[symbol[i]] += slopes[i];
                }
                std::vector<float> gradient;
                for_each_instruction_set([&](InstructionSet) {
                    for (int threads : {1, 2, 3, 4}) {
                        Runner run(threads);
                        Tensor y = quantize(constants(weights), constants(levels));
                        REQUIRE(floats_of(run(y)) == expected);
                        std::vector<float> found = floats_of(run(y.node().op->gradient(y, constants(slopes))[1]));
                        for (size_t level = 0; level < levels.size(); ++level) {
                            REQUIRE(found[level] == doctest::Approx(sums[level]).epsilon(1e-5).scale(10));
                        }
                        REQUIRE((gradient.empty() || gradient == found));
                        gradient = found;
                    }
                });
            }
        }
    }
}
