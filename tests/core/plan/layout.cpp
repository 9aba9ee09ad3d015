// Values in blocks of channels give what they give without.

#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/batch_norm.h"
#include "core/ops/conv2d.h"
#include "core/ops/divide.h"
#include "core/ops/exp.h"
#include "core/ops/multiply.h"
#include "core/ops/pad.h"
#include "core/ops/pool.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "core/ops/reshape.h"
#include "core/ops/slice.h"
#include "core/plan/plan.h"
#include "core/run/program.h"
#include "tests/harness.h"
#include "tests/interpreter.h"

#include <doctest/doctest.h>

#include <fmt/core.h>

#include <cmath>

using namespace hemp;

namespace {

/// How often each operator occurs once layouts are chosen.
std::map<std::string_view, int> laid_out_operators(const Tensors& outputs) {
    std::map<std::string_view, int> count;
    for (const Tensor& tensor : topological_order(choose_layouts({outputs, {}}).outputs)) {
        ++count[tensor.node().op->name];
    }
    return count;
}

/// A small residual network: a first layer of planes, batch norm, a block with a stride and a padded shortcut, pooling.
struct ResidualNetwork {
    Tensor  images, loss;
    Tensors weights;

    explicit ResidualNetwork(int64_t width) {
        images   = input("images", {3, 3, 8, 6});
        Tensor x = relu(normalised(conv2d(images, weight({width, 3, 3, 3}), {.padding = {1, 1}})));
        x        = max_pool(x, {.window = {3, 3}, .stride = {1, 1}, .padding = {1, 1}});
        Tensor y = relu(normalised(conv2d(x, weight({2 * width, width, 3, 3}), {.stride = {2, 2}, .padding = {1, 1}})));
        y        = normalised(conv2d(y, weight({2 * width, 2 * width, 3, 3}), {.padding = {1, 1}}));
        Tensor by = slice(slice(x, 2, 0, 4, 2), 3, 0, 3, 2);
        y         = relu(y + pad(by, {0, width / 2, 0, 0}, {0, width - width / 2, 0, 0}));
        Tensor z  = reshape(global_average_pool(y), Shape{3, 2 * width});
        loss      = sum(z * z) + sum(y * y) * constant(0.01f);
    }

 private:
    Tensor weight(const Shape& shape) {
        weights.push_back(variable("weight", random_array({.shape = shape, .low = -0.3, .high = 0.3}, weights.size())));
        return weights.back();
    }
    Tensor normalised(const Tensor& x) {
        Tensor scale = variable("scale", random_array({.shape = {x.shape()[1]}, .low = 0.5, .high = 2}, 17));
        Tensor shift = variable("shift", random_array({.shape = {x.shape()[1]}}, 18));
        weights.push_back(scale);
        weights.push_back(shift);
        return batch_norm(x, scale, shift).y;
    }
};

}  // namespace

TEST_CASE("a residual network in blocks of channels agrees with the interpreter") {
    for (int64_t width : {32, 16, 14}) {
        CAPTURE(width);
        ResidualNetwork net(width);
        Tensors         outputs{net.loss};
        for (const Gradient& each : grad(net.loss, net.weights)) {
            outputs.push_back(each.gradient);
        }
        CHECK(laid_out_operators(outputs)["conv2d"] == 0);
        CHECK(laid_out_operators(outputs)["conv2d_weight_gradient"] == 0);
        Array                      images   = random_array({.shape = net.images.shape()}, 5);
        Program                    program  = compile(outputs);
        std::vector<plain::Values> expected = interpret(outputs, {{net.images, values_of(images)}});
        program.run({{net.images, images}});
        for (size_t i = 0; i < outputs.size(); ++i) {
            check_close(fmt::format("output {}", i), program.output(i), expected[i].at, {.ulps = 400, .floor = 1});
        }
    }
}

TEST_CASE("between convolutions values stay in blocks") {
    ResidualNetwork net(16);
    auto            count = laid_out_operators({net.loss});
    CHECK(count["conv2d_blocked"] == 3);
    CHECK(count["unblock_channels"] == 1);  // the shortcut, whose padding cuts blocks
    CHECK(count["block_channels"] == 1);
    CHECK(count["max_pool"] == 1);
}

TEST_CASE("what a block is filled up with does no harm") {
    // exp(0) / (exp(0) - 1) of what fills up would be infinite: such operators see planes.
    Tensor x = variable("x", random_array({.shape = {1, 5, 4, 4}}, 1));
    Tensor w = variable("w", random_array({.shape = {15, 5, 1, 1}}, 2));
    Tensor v = variable("v", random_array({.shape = {16, 15, 1, 1}}, 3));
    Tensor y = conv2d(x, w);
    Tensor z = conv2d(exp(y) / (y * y), v);
    for (float each : computed(z)) {
        CHECK(std::isfinite(each));
    }
}

TEST_CASE("graphs without convolutions in blocks stay as they are") {
    Tensor x = input("x", {2, 3, 4, 4});
    Tensor y = relu(x + x);
    CHECK(choose_layouts({{y}, {}}).outputs[0] == y);
}
