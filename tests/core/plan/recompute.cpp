// What is cheap to compute is computed by those who read it; convolutions read through batch norm.

#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/batch_norm.h"
#include "core/ops/conv2d.h"
#include "core/ops/multiply.h"
#include "core/ops/pool.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "core/plan/plan.h"
#include "core/run/program.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/instruction_sets.h"
#include "tests/interpreter.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>

using namespace hemp;

namespace {

std::vector<Group> recomputed(const Tensors& outputs) {
    Roots roots = choose_layouts(contract(simplify({outputs, {}})));
    return schedule(recompute(fuse(roots), roots), roots);
}

std::string names(const Group& group) {
    std::string all;
    for (const Tensor& tensor : group.nodes) {
        all += (all.empty() ? "" : "+") + std::string(tensor.node().op->name);
    }
    return all;
}

int64_t count(const std::vector<Group>& groups, const std::string& name) {
    return std::count_if(groups.begin(), groups.end(), [&](const Group& group) { return names(group) == name; });
}

bool written_in_blocks(const std::vector<Group>& groups, std::string_view name) {
    for (const Group& group : groups) {
        for (const Tensor& output : group.outputs) {
            if (output.node().op->name == name && output.shape().rank() == 5) {
                return true;
            }
        }
    }
    return false;
}

using Activation = Tensor (*)(const Tensor&);

/// Two convolutions with batch norm between them, and the gradients to all weights.
struct TwoConvolutions {
    Tensor  images;
    Tensors weights, outputs;

    TwoConvolutions(const Shape& x, const Shape& first, const Shape& second, const ConvOptions& options,
                    Activation activation) {
        images   = input("images", x);
        Tensor y = conv2d(images, weight(first), {.padding = {1, 1}});
        Tensor z = activation(normalised(y));
        Tensor w = conv2d(z, weight(second), options);
        set_loss(sum(w * w) * constant(0.01f) + sum(w));
    }

    /// A third one between them, behind and before a batch norm, whose filters are trained or not.
    static TwoConvolutions around(const Shape& x, const Shape& first, const Shape& second, const ConvOptions& options,
                                  Activation activation, bool trained = true) {
        TwoConvolutions net;
        net.images = input("images", x);
        Tensor y   = activation(net.normalised(conv2d(net.images, net.weight(first), {.padding = {1, 1}})));
        Tensor z   = activation(net.normalised(conv2d(y, net.weight(second), options)));
        Tensor w   = conv2d(z, net.weight({16, second[0], 1, 1}), {});
        if (!trained) {
            std::erase_if(net.weights, [&](const Tensor& tensor) { return tensor.shape() == second; });
        }
        net.set_loss(sum(w * w) * constant(0.01f) + sum(w));
        return net;
    }

    void check() const {
        Array                              values   = random_array({.shape = images.shape()}, 5);
        std::vector<plain::Values>         expected = interpret(outputs, {{images, values_of(values)}});
        std::map<bool, std::vector<Array>> of_set;  // rounded once in a multiply-add or not
        for_each_instruction_set([&](InstructionSet set) {
            std::vector<Array>& first = of_set[set == InstructionSet::baseline];
            for (int threads : {1, 3}) {
                Program program = compile(outputs, {}, {.threads = threads, .poison = true});
                program.run({{images, values}});
                for (size_t i = 0; i < outputs.size(); ++i) {
                    check_close(fmt::format("output {}", i), program.output(i), expected[i].at,
                                {.ulps = 600, .floor = 16});
                    if (first.size() == i) {
                        first.push_back(program.output(i));
                    }
                    CHECK(same_bits(first[i], program.output(i)));
                }
            }
        });
    }

 private:
    TwoConvolutions() = default;

    void set_loss(const Tensor& loss) {
        outputs = {loss};
        for (const Gradient& each : grad(loss, weights)) {
            outputs.push_back(each.gradient);
        }
    }

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

Tensor unchanged(const Tensor& x) { return x; }

}  // namespace

TEST_CASE("convolutions read through batch norm and activation") {
    SUBCASE("by Winograd's algorithm") {
        for (int64_t channels : {32, 30}) {
            TwoConvolutions net({3, 3, 12, 13}, {channels, 3, 3, 3}, {16, channels, 3, 3}, {.padding = {1, 1}}, relu);
            std::vector<Group> groups = recomputed(net.outputs);
            CHECK(count(groups, "normalise+relu+conv2d_blocked") == 1);
            CHECK(count(groups, "normalise+relu+conv2d_blocked_weight_gradient") == 1);
            CHECK_FALSE(written_in_blocks(groups, "relu"));
            net.check();
        }
    }
    SUBCASE("directly, with a stride") {
        TwoConvolutions net({2, 3, 9, 7}, {32, 3, 3, 3}, {16, 32, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}}, relu6);
        CHECK(count(recomputed(net.outputs), "normalise+relu6+conv2d_blocked") == 1);
        net.check();
    }
    SUBCASE("with 1 x 1 kernels, of large images and of several small ones") {
        for (int64_t side : {3, 4, 20}) {
            TwoConvolutions net({5, 3, side, side}, {80, 3, 3, 3}, {32, 80, 1, 1}, {}, relu);
            CHECK(count(recomputed(net.outputs), "normalise+relu+conv2d_blocked_weight_gradient") == 1);
            net.check();
        }
    }
    SUBCASE("a filter a channel") {
        TwoConvolutions net({2, 3, 6, 7}, {48, 3, 3, 3}, {48, 1, 3, 3}, {.padding = {1, 1}, .groups = 48}, relu6);
        CHECK(count(recomputed(net.outputs), "normalise+relu6+depthwise_blocked") == 1);
        CHECK(count(recomputed(net.outputs), "normalise+relu6+depthwise_blocked_weight_gradient") == 1);
        net.check();
    }
    SUBCASE("without an activation") {
        TwoConvolutions net({2, 3, 6, 7}, {32, 3, 3, 3}, {16, 32, 1, 1}, {}, unchanged);
        CHECK(count(recomputed(net.outputs), "normalise+conv2d_blocked") == 1);
        net.check();
    }
}

TEST_CASE("convolutions' gradients read theirs through batch norm's gradient") {
    struct Case {
        std::string name;
        Shape       x, first, second;
        ConvOptions options;
    };
    const std::vector<Case> cases{
        {"conv2d_blocked", {3, 3, 20, 21}, {32, 3, 3, 3}, {80, 32, 1, 1}, {}},
        {"conv2d_blocked", {2, 3, 24, 25}, {32, 3, 3, 3}, {80, 32, 1, 1}, {}},  // in strips
        {"conv2d_blocked", {40, 3, 4, 4}, {80, 3, 3, 3}, {32, 80, 1, 1}, {}},   // several small images at once
        {"conv2d_blocked", {5, 3, 3, 5}, {28, 3, 3, 3}, {150, 28, 1, 1}, {}},
        {"conv2d_blocked", {3, 3, 9, 7}, {32, 3, 3, 3}, {48, 32, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}}},
        {"conv2d_blocked", {3, 3, 9, 8}, {32, 3, 3, 3}, {30, 32, 1, 1}, {.stride = {2, 2}}},
        {"depthwise_blocked", {3, 3, 12, 13}, {48, 3, 3, 3}, {48, 1, 3, 3}, {.padding = {1, 1}, .groups = 48}},
        {"depthwise_blocked", {2, 3, 36, 31}, {32, 3, 3, 3}, {32, 1, 3, 3}, {.padding = {1, 1}, .groups = 32}},
        {"depthwise_blocked", {3, 3, 4, 4}, {40, 3, 3, 3}, {40, 1, 3, 3}, {.padding = {1, 1}, .groups = 40}},
        {"depthwise_blocked",
         {2, 3, 13, 40},
         {32, 3, 3, 3},
         {32, 1, 3, 3},
         {.stride = {2, 2}, .padding = {1, 1}, .groups = 32}},
    };
    for (Activation activation : {static_cast<Activation>(relu), static_cast<Activation>(relu6)}) {
        for (const Case& c : cases) {
            CAPTURE(fmt::format("{} {} {}", c.name, c.x, c.second));
            TwoConvolutions    net    = TwoConvolutions::around(c.x, c.first, c.second, c.options, activation);
            std::vector<Group> groups = recomputed(net.outputs);
            CHECK(count(groups, "normalise_gradient+" + c.name + "_data_gradient") == 1);
            CHECK(count(groups, "normalise_gradient+conv2d_blocked_weight_gradient") == 1);
            CHECK(count(groups, fmt::format("normalise+{}+normalise_gradient+{}_weight_gradient",
                                            activation == static_cast<Activation>(relu) ? "relu" : "relu6", c.name)) ==
                  1);
            CHECK_FALSE(written_in_blocks(groups, "normalise_gradient"));
            net.check();
        }
    }
    SUBCASE("of filters that are not trained") {
        TwoConvolutions net = TwoConvolutions::around({3, 3, 9, 9}, {32, 3, 3, 3}, {80, 32, 1, 1}, {}, relu, false);
        CHECK(count(recomputed(net.outputs), "normalise_gradient+conv2d_blocked_data_gradient") == 1);
        net.check();
    }
    SUBCASE("but not in many passes over it") {
        TwoConvolutions net = TwoConvolutions::around({2, 3, 5, 5}, {272, 3, 3, 3}, {16, 272, 1, 1}, {}, relu);
        CHECK(count(recomputed(net.outputs), "normalise_gradient") == 1);
        net.check();
    }
    SUBCASE("but not by Winograd's algorithm") {
        TwoConvolutions net =
            TwoConvolutions::around({3, 3, 12, 12}, {32, 3, 3, 3}, {32, 32, 3, 3}, {.padding = {1, 1}}, relu);
        CHECK(count(recomputed(net.outputs), "normalise_gradient") == 1);
        net.check();
    }
}

TEST_CASE("so do max pooling and its gradient") {
    for (int64_t channels : {32, 30}) {
        TwoConvolutions    net({2, 3, 9, 12}, {channels, 3, 3, 3}, {16, channels, 1, 1}, {}, [](const Tensor& x) {
            return max_pool(relu(x), {.window = {3, 3}, .stride = {2, 2}, .padding = {1, 1}});
        });
        std::vector<Group> groups = recomputed(net.outputs);
        CHECK(count(groups, "normalise+relu+max_pool") == 1);
        CHECK(count(groups, "normalise+relu+max_pool_gradient") == 1);
        CHECK_FALSE(written_in_blocks(groups, "relu"));
        net.check();
    }
}

TEST_CASE("a value that somebody needs in memory is written, and read by all") {
    Tensor             x      = variable("x", random_array({.shape = {2, 3, 8, 8}}, 1));
    Tensor             w      = variable("w", random_array({.shape = {32, 3, 3, 3}}, 2));
    Tensor             v      = variable("v", random_array({.shape = {16, 32, 1, 1}}, 3));
    Tensor             one    = variable("one", random_array({.shape = {32}}, 4));
    Tensor             z      = relu(batch_norm(conv2d(x, w), one, one).y);
    std::vector<Group> groups = recomputed({conv2d(z, v), average_pool(z, {.window = {2, 2}})});
    CHECK(written_in_blocks(groups, "relu"));
    CHECK(count(groups, "conv2d_blocked") == 2);
}

TEST_CASE("a mask and what it leaves are computed where they are used") {
    TwoConvolutions    net({2, 3, 8, 8}, {32, 3, 3, 3}, {16, 32, 3, 3}, {.padding = {1, 1}},
                           [](const Tensor& x) { return relu(x) + x; });
    std::vector<Group> groups = recomputed(net.outputs);
    CHECK(count(groups, "normalised_relu_gradient+add+subtract+multiply+sum+sum") == 1);
    CHECK_FALSE(written_in_blocks(groups, "normalised_relu_gradient"));
}

TEST_CASE("gradients to weights do not wait for the end") {
    // With them at the end, every gradient to a layer's result would be kept: as much again as the results.
    Tensor  x = input("x", {32, 32, 16, 16});
    Tensor  y = x;
    Tensors weights;
    for (int i = 0; i < 12; ++i) {
        weights.push_back(variable("weight", random_array({.shape = {32, 32, 3, 3}}, 1)));
        y = conv2d(y, weights.back(), {.padding = {1, 1}});
    }
    Tensors outputs;
    for (const Gradient& each : grad(sum(y), weights)) {
        outputs.push_back(each.gradient);
    }
    Program program = compile(outputs);
    size_t  layer   = x.type().bytes();
    CHECK(program.arena_bytes() < 18 * layer);
}
