#include "layers/layer.h"

#include "core/operator.h"
#include "core/ops/pool.h"
#include "core/ops/relu.h"
#include "core/run/program.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pooling.h"
#include "tests/arrays.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <numeric>

using namespace hemp;

namespace {

/// The layer's result on x, as a program computes it.
Array run(const Layer& layer, const Array& x) {
    Pass    pass;
    Program program = compile({layer.forward(constant(x), pass)});
    program.run();
    return program.output(0);
}

void set(const Layer& layer, size_t parameter, std::vector<float> to) {
    Array& array = value_of(layer.parameters.at(parameter).variable);
    array        = Array(array.shape(), to);
}

}  // namespace

TEST_CASE("a linear layer") {
    Layer layer = linear("fc", 3, 2, {.seed = 1});

    SUBCASE("has PyTorch's names, shapes and roles") {
        REQUIRE(layer.parameters.size() == 2);
        CHECK(layer.parameters[0].name == "fc.weight");
        CHECK(layer.parameters[0].variable.node().name == "fc.weight");
        CHECK(layer.parameters[0].variable.shape() == Shape{2, 3});
        CHECK(layer.parameters[0].role == Role::weight);
        CHECK(layer.parameters[1].name == "fc.bias");
        CHECK(layer.parameters[1].variable.shape() == Shape{2});
        CHECK(layer.parameters[1].role == Role::bias);
    }
    SUBCASE("computes x weight' + bias") {
        set(layer, 0, {1, 2, 3, 4, 5, 6});
        set(layer, 1, {10, -10});
        CHECK(floats_of(run(layer, Array(Shape{2, 3}, std::vector<float>{1, 0, -1, 0, 1, 0}))) ==
              std::vector<float>{8, -12, 12, -5});
    }
    SUBCASE("needs no bias") {
        Layer bare = linear("fc", 3, 2, {.bias = false});
        CHECK(bare.parameters.size() == 1);
        set(bare, 0, {1, 2, 3, 4, 5, 6});
        CHECK(floats_of(run(bare, Array(Shape{1, 3}, std::vector<float>{1, 0, -1}))) == std::vector<float>{-2, -2});
    }
    SUBCASE("keeps its weights when a layer is added before it") {
        Layer both = sequential({linear("other", 3, 3, {.seed = 1}), linear("fc", 3, 2, {.seed = 1})});
        CHECK(floats_of(value_of(both.parameters[2].variable)) == floats_of(value_of(layer.parameters[0].variable)));
    }
}

TEST_CASE("a convolution layer") {
    SUBCASE("has PyTorch's names and shapes, also with groups") {
        Layer layer = conv("conv", 4, 6, 3, {.conv = {.groups = 2}});
        CHECK(layer.parameters[0].name == "conv.weight");
        CHECK(layer.parameters[0].variable.shape() == Shape{6, 2, 3, 3});
        CHECK(layer.parameters[1].name == "conv.bias");
        CHECK(layer.parameters[1].variable.shape() == Shape{6});
    }
    SUBCASE("correlates and adds each filter's bias") {
        Layer layer = conv("conv", 1, 2, 2);
        set(layer, 0, {1, 0, 0, 0, 0, 0, 0, 1});  // the window's first pixel; its last
        set(layer, 1, {100, 200});
        Array x(Shape{1, 1, 3, 3}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9});
        CHECK(floats_of(run(layer, x)) == std::vector<float>{101, 102, 104, 105, 205, 206, 208, 209});
    }
}

TEST_CASE("layers one after another") {
    Layer network = sequential({
        conv("conv1", 1, 2, 3, {.seed = 1}),
        activation(relu),
        max_pooling(),
        flatten(),
        linear("fc1", 2 * 3 * 3, 5, {.seed = 1}),
    });

    SUBCASE("have all their parameters, in order") {
        std::vector<std::string> names;
        for (const Parameter& each : network.parameters) {
            names.push_back(each.name);
        }
        CHECK(names == std::vector<std::string>{"conv1.weight", "conv1.bias", "fc1.weight", "fc1.bias"});
    }
    SUBCASE("pass shapes on") {
        Pass   pass;
        Tensor x = input("x", {7, 1, 8, 8});
        CHECK(network.forward(x, pass).shape() == Shape{7, 5});
        CHECK(pass.updates.empty());
    }
    SUBCASE("of which one does not fit are refused with both sizes") {
        Pass pass;
        CHECK_THROWS_AS(network.forward(input("x", {7, 1, 9, 12}), pass), ShapeError);
    }
}

TEST_CASE("a convolution's bias is added behind the pooling that follows it, with the same bits") {
    Layer  convolution = conv("conv", 3, 20, 5, {.seed = 1});
    Tensor x           = input("x", {2, 3, 12, 14});
    Pass   pass;
    Tensor biased = convolution.forward(x, pass);
    Tensor after  = max_pooling().forward(biased, pass);
    Tensor before = max_pool(biased);
    CHECK(after.node().op->arithmetic == Arithmetic::sum);
    Program program = compile({after, before});
    program.run({{x, random_array({.shape = x.shape()}, 1)}});
    CHECK(same_bits(program.output(0), program.output(1)));
}

TEST_CASE("pooling layers take the largest or the mean of each 2 x 2 window") {
    std::vector<float> counted(16);
    std::iota(counted.begin(), counted.end(), 0.0f);
    Array x(Shape{1, 1, 4, 4}, counted);
    CHECK(floats_of(run(max_pooling(), x)) == std::vector<float>{5, 7, 13, 15});
    CHECK(floats_of(run(average_pooling(), x)) == std::vector<float>{2.5f, 4.5f, 10.5f, 12.5f});
}
