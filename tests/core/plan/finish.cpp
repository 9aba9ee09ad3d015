// Batch norm in use, residuals and activations become a part of the convolutions before them.

#include "core/ops/add.h"
#include "core/ops/batch_norm.h"
#include "core/ops/conv2d.h"
#include "core/ops/multiply.h"
#include "core/ops/pool.h"
#include "core/ops/relu.h"
#include "core/plan/plan.h"
#include "core/run/program.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/interpreter.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

/// A residual block, one of MobileNetV2's kind, and a convolution that stays on planes.
struct NetworkInUse {
    Tensor images = input("images", {2, 3, 16, 16});
    Tensor y;

    NetworkInUse() {
        Tensor x        = relu(normalised(conv2d(images, weight({16, 3, 3, 3}), {.padding = {1, 1}})));
        Tensor inner    = relu(normalised(conv2d(x, weight({16, 16, 3, 3}), {.padding = {1, 1}})));
        Tensor shortcut = normalised(conv2d(x, weight({16, 16, 1, 1})));
        x               = relu(normalised(conv2d(inner, weight({16, 16, 3, 3}), {.padding = {1, 1}})) + shortcut);
        inner           = relu6(normalised(conv2d(x, weight({32, 16, 1, 1}))));
        inner           = relu6(normalised(conv2d(inner, weight({32, 1, 3, 3}), {.padding = {1, 1}, .groups = 32})));
        x               = x + normalised(conv2d(inner, weight({16, 32, 1, 1})));
        y               = relu(normalised(conv2d(x, weight({20, 16, 5, 5}))));
        y               = global_average_pool(y);
    }

    Tensors variables;

 private:
    Tensor weight(const Shape& shape) {
        variables.push_back(variable("weight", random_array({shape, DType::f32, -0.4, 0.4}, variables.size())));
        return variables.back();
    }
    Tensor normalised(const Tensor& x) {
        auto of_channels = [&](double low, double high) {
            variables.push_back(
                variable("channels", random_array({{x.shape()[1]}, DType::f32, low, high}, variables.size())));
            return variables.back();
        };
        Tensor scale = of_channels(0.5, 2), shift = of_channels(-1, 1), mean = of_channels(-1, 1);
        return batch_norm(x, scale, shift, mean, of_channels(0.5, 2));
    }
};

std::vector<std::string> names_of(const Program& program) {
    std::vector<std::string> names;
    for (const StepReport& each : program.report()) {
        names.push_back(each.name);
    }
    return names;
}

}  // namespace

TEST_CASE("inference agrees with the interpreter, frozen or not, with any number of threads") {
    NetworkInUse               net;
    Array                      images   = random_array({.shape = net.images.shape()}, 5);
    std::vector<plain::Values> expected = interpret({net.y}, {{net.images, values_of(images)}});
    std::vector<Array>         results;
    for (bool frozen : {true, false}) {
        for (int threads : {1, 2, 3}) {
            Program program = compile({net.y}, {}, {.threads = threads, .frozen = frozen, .verify = true});
            program.run({{net.images, images}});
            check_close("result", program.output(0), expected[0].at, {.ulps = 400, .floor = 1});
            results.push_back(program.output(0));
        }
    }
    for (size_t i : {1, 2, 4, 5}) {
        CHECK(same_bits(results[i], results[i / 3 * 3]));
    }
}

TEST_CASE("a frozen program is convolutions and nothing between them") {
    NetworkInUse net;
    CHECK(names_of(compile({net.y}, {}, {.frozen = true})) ==
          std::vector<std::string>{"conv2d_finished", "conv2d_finished", "conv2d_finished", "conv2d_finished",
                                   "expanded_depthwise", "conv2d_finished", "unblock_channels", "conv2d",
                                   "add+relu+sum", "multiply"});
}

TEST_CASE("a depthwise convolution expands its operand itself, unless others read it") {
    Tensor x     = input("x", {2, 16, 20, 9});
    Tensor wide  = relu6(conv2d(x, variable("w", random_array({.shape = {40, 16, 1, 1}}, 1))));
    Tensor depth = variable("depth", random_array({.shape = {40, 1, 3, 3}}, 2));
    Tensor y     = conv2d(wide, depth, {.stride = {2, 2}, .padding = {1, 1}, .groups = 40});
    Array  image = random_array({.shape = x.shape()}, 3);

    Program joined = compile({y}, {}, {.frozen = true, .verify = true});
    CHECK(names_of(joined) == std::vector<std::string>{"block_channels", "expanded_depthwise", "unblock_channels"});
    Program apart = compile({y, wide}, {}, {.frozen = true, .verify = true});
    CHECK(names_of(apart) == std::vector<std::string>{"block_channels", "conv2d_finished", "depthwise_finished",
                                                      "unblock_channels", "unblock_channels"});
    joined.run({{x, image}});
    apart.run({{x, image}});
    CHECK(same_bits(joined.output(0), apart.output(0)));
}

TEST_CASE("a program that is not frozen sees its variables change") {
    NetworkInUse net;
    Array        images = random_array({.shape = net.images.shape()}, 5);
    Program      kept   = compile({net.y}, {}, {.frozen = false});
    kept.run({{net.images, images}});
    Array before = kept.output(0);
    for (const Tensor& each : net.variables) {
        for (float& value : value_of(each).values<float>()) {
            value *= 1.25f;
        }
    }
    kept.run({{net.images, images}});
    std::vector<plain::Values> expected = interpret({net.y}, {{net.images, values_of(images)}});
    check_close("result", kept.output(0), expected[0].at, {.ulps = 400, .floor = 1});
    CHECK_FALSE(same_bits(before, kept.output(0)));
}

TEST_CASE("frozen variables cannot be updated") {
    Tensor x = variable("x", Array(1.0f));
    CHECK_THROWS_WITH_AS(compile({}, {{x, x + 1.0f}}, {.frozen = true}),
                         "compile: variables are frozen, but 'x' is updated", Error);
}

TEST_CASE("a convolution that others read as well keeps its result") {
    Tensor x = input("x", {1, 16, 8, 8});
    Tensor w = variable("w", random_array({.shape = {16, 16, 1, 1}}, 1));
    Tensor y = conv2d(x, w);
    Tensor z = y * variable("gain", random_array({.shape = {16, 1, 1}}, 2));
    CHECK(names_of(compile({y, z}, {}, {.frozen = true})) ==
          std::vector<std::string>{"block_channels", "conv2d_finished", "unblock_channels", "multiply",
                                   "unblock_channels"});
}

TEST_CASE("scales move into filters only where that is less work") {
    auto folded = [](int64_t size) {
        Tensor x = input("x", {1, 16, size, size});
        Tensor y = conv2d(x, variable("w", Array(Type{{16, 16, 3, 3}})), {.padding = {1, 1}});
        Roots  r = fold_scales({{y * variable("gain", Array(Type{{16, 1, 1}}))}, {}});
        return r.outputs[0].node().op->name == "conv2d";
    };
    CHECK(folded(16));
    CHECK_FALSE(folded(4));
}
