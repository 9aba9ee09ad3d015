// Batch norm's statistics, and the sums of its gradient, are gathered by the convolution that writes what they are of.

#include "core/grad.h"
#include "core/operator.h"
#include "core/ops/batch_norm.h"
#include "core/ops/conv2d.h"
#include "core/ops/moments.h"
#include "core/ops/multiply.h"
#include "core/ops/pool.h"
#include "core/ops/rectified_sums.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "core/ops/sweep.h"
#include "core/plan/plan.h"
#include "core/run/program.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/instruction_sets.h"
#include "tests/interpreter.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>

using namespace hemp;

namespace {

struct Case {
    std::string_view algorithm;
    Shape            x, weight;
    ConvOptions      options;
};

const std::vector<Case> cases{
    {"Winograd F(4x4, 3x3)", {3, 32, 13, 15}, {40, 32, 3, 3}, {.padding = {1, 1}}},
    {"Winograd F(4x4, 3x3)", {9, 16, 8, 8}, {16, 16, 3, 3}, {.padding = {1, 1}}},
    {"Winograd F(4x4, 3x3)", {8, 16, 7, 7}, {160, 16, 3, 3}, {.padding = {1, 1}}},  // filters as pieces
    {"direct", {3, 3, 9, 11}, {24, 3, 3, 3}, {.padding = {1, 1}}},
    {"direct", {2, 48, 9, 11}, {32, 48, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}}},
    {"direct", {5, 64, 6, 6}, {30, 64, 1, 1}, {}},
    {"direct", {1, 128, 4, 4}, {256, 128, 1, 1}, {}},  // shares of the filters
    {"depthwise", {2, 40, 10, 9}, {40, 1, 3, 3}, {.padding = {1, 1}, .groups = 40}},
    {"depthwise", {2, 16, 40, 90}, {16, 1, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}, .groups = 16}},
};

/// y = conv2d(relu(images), weight), and what is gathered from it: moments, or rectified sums beside other images x.
struct Statistics {
    Tensor  images, x, y;
    Tensors outputs;

    Statistics(const Case& c, bool moments) {
        images        = input("images", c.x);
        Tensor weight = variable("weight", random_array({.shape = c.weight, .low = -0.3, .high = 0.3}, 3));
        // Something runs before the convolution, as what fills up a block of channels' values does.
        y       = conv2d(relu(images), weight, c.options);
        x       = input("x", y.shape());
        outputs = {y, moments ? hemp::moments(y)
                              : rectified_sums(y, x, channels(-1, 1), channels(0.01, 0.1), channels(-3, 9), true)};
    }

    Tensor channels(double low, double high) const {
        return variable("each", random_array({.shape = {y.shape()[1], 1, 1}, .low = low, .high = high}, 4));
    }
};

bool gathers(const Group& group) { return !group.along.empty(); }

}  // namespace

TEST_CASE("statistics are gathered while a convolution writes") {
    for (bool moments : {true, false}) {
        for (const Case& c : cases) {
            CAPTURE(moments);
            CAPTURE(c.algorithm);
            CAPTURE(fmt::format("{} {}", c.x, c.weight));
            Statistics net(c, moments);
            Plan       plan  = make_plan(net.outputs, {}, {});
            auto       found = std::find_if(plan.groups.begin(), plan.groups.end(), gathers);
            REQUIRE(found != plan.groups.end());
            CHECK(plan.works[static_cast<size_t>(found - plan.groups.begin())].algorithm == c.algorithm);

            Array images   = random_array({.shape = c.x, .low = 0, .high = 2}, 5);
            Array x        = random_array({.shape = net.x.shape()}, 6);
            auto  expected = interpret(net.outputs, {{net.images, values_of(images)}, {net.x, values_of(x)}});
            for_each_instruction_set([&](InstructionSet) {
                std::vector<Array> results;
                for (int threads : {1, 2, 3}) {
                    Program           program = compile(net.outputs, {}, {.threads = threads, .poison = true});
                    std::vector<Feed> feeds{{net.images, images}};
                    if (!moments) {
                        feeds.push_back({net.x, x});
                    }
                    program.run(feeds);
                    check_close("statistics", program.output(1), expected[1].at, {.ulps = 64, .floor = 8});
                    results.push_back(program.output(1));
                    CHECK(same_bits(results[0], results.back()));
                }
            });
        }
    }
}

TEST_CASE("moments of what nobody writes in blocks are a step of their own") {
    Statistics net({"", {3, 5, 9, 9}, {7, 5, 3, 3}, {}}, true);
    Plan       plan = make_plan(net.outputs, {}, {});
    CHECK(std::none_of(plan.groups.begin(), plan.groups.end(), gathers));
}

TEST_CASE("sums that need more than a convolution's result wait for it") {
    Statistics net({"", {2, 32, 9, 9}, {32, 32, 3, 3}, {.padding = {1, 1}}}, true);
    Tensor     each  = net.channels(0.01, 0.1);
    Tensor     twice = conv2d(net.y, variable("weight", random_array({.shape = {32, 32, 1, 1}}, 3)), {});
    Tensor     sums  = rectified_sums(net.y, twice, each, each, each, true);
    Plan       plan  = make_plan({sums}, {}, {});
    CHECK(std::none_of(plan.groups.begin(), plan.groups.end(), gathers));

    Array   images  = random_array({.shape = net.images.shape()}, 5);
    Program program = compile({sums}, {}, {});
    program.run({{net.images, images}});
    check_close("sums", program.output(0), interpret({sums}, {{net.images, values_of(images)}})[0].at,
                {.ulps = 64, .floor = 1024});
}

namespace {

/// Two convolutions, batch norm and relu6 between them, if told both and a third one behind them, and the gradients to
/// all variables.
struct Trained {
    Tensor  images;
    Tensors variables, outputs;

    Trained(const Shape& x, const Shape& second, const ConvOptions& options, bool third = false) {
        images       = input("images", x);
        int64_t size = second[1] * options.groups;
        Tensor  y    = conv2d(images, trained({size, x[1], 3, 3}, -1, 1), {.padding = {1, 1}});
        Tensor  z    = relu6(batch_norm(y, trained({size}, 1, 2), trained({size}, -1, 3)).y);
        Tensor  w    = conv2d(z, trained(second, -1, 1), options);
        if (third) {
            z = relu6(batch_norm(w, trained({second[0]}, 1, 2), trained({second[0]}, -1, 3)).y);
            w = conv2d(z, trained({16, second[0], 1, 1}, -1, 1), {});
        }
        for (const Gradient& each : grad(sum(w * w) * constant(0.01f), variables)) {
            outputs.push_back(each.gradient);
        }
    }

    Tensor trained(const Shape& shape, double low, double high) {
        auto seed = static_cast<uint64_t>(variables.size());
        variables.push_back(variable("v", random_array({.shape = shape, .low = low, .high = high}, seed)));
        return variables.back();
    }

    /// The operators that go along with the step of another one.
    std::vector<std::string_view> along(std::string_view name) const {
        std::vector<std::string_view> found;
        for (const Group& group : make_plan(outputs, {}, {}).groups) {
            for (const Group& along : group.along) {
                if (group.last().op->name == name) {
                    found.push_back(along.last().op->name);
                }
            }
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    void check() const {
        Array values   = random_array({.shape = images.shape()}, 5);
        auto  expected = interpret(outputs, {{images, values_of(values)}});
        for_each_instruction_set([&](InstructionSet) {
            std::vector<Array> first;
            for (int threads : {1, 2, 3}) {
                Program program = compile(outputs, {}, {.threads = threads, .poison = true});
                program.run({{images, values}});
                for (size_t i = 0; i < outputs.size(); ++i) {
                    check_close(fmt::format("gradient {}", i), program.output(i), expected[i].at,
                                {.ulps = 600, .floor = 64});
                    if (threads == 1) {
                        first.push_back(program.output(i));
                    }
                    CHECK(same_bits(first[i], program.output(i)));
                }
            }
        });
    }
};

using Names = std::vector<std::string_view>;

}  // namespace

TEST_CASE("what batch norm's gain and offset get goes along with the gradient to data") {
    Trained direct({2, 3, 8, 9}, {16, 32, 1, 1}, {});
    CHECK(direct.along("conv2d_blocked_data_gradient") == Names{"rectified_sums"});
    direct.check();
    Trained winograd({2, 3, 16, 16}, {16, 16, 3, 3}, {.padding = {1, 1}});
    CHECK(winograd.along("conv2d_blocked_data_gradient") == Names{"rectified_sums"});
    winograd.check();
    for (int64_t stride : {2, 3}) {
        for (int64_t kernel : {1, 3}) {
            // Several strips, of rows at several distances from the grid; columns and rows that no tap meets.
            Trained strided({1, 3, 71, 70}, {128, 16, kernel, kernel},
                            {.stride = {stride, stride}, .padding = {kernel / 2, kernel / 2}});
            CHECK(strided.along("conv2d_blocked_data_gradient") == Names{"rectified_sums"});
            strided.check();
        }
    }
}

TEST_CASE("a depthwise gradient to weights goes along with that to data") {
    ConvOptions options{.padding = {1, 1}, .groups = 40};
    Trained     net({2, 3, 9, 11}, {40, 1, 3, 3}, options);
    CHECK(net.along("depthwise_blocked_data_gradient") == Names{"depthwise_blocked_weight_gradient", "rectified_sums"});
    net.check();
    Trained strips({2, 3, 40, 36}, {40, 1, 3, 3}, options);
    CHECK(strips.along("depthwise_blocked_data_gradient").size() == 2);
    strips.check();
    // Both of whose operands are computed on the way.
    Trained read({2, 3, 36, 30}, {40, 1, 3, 3}, options, true);
    CHECK(read.along("depthwise_blocked_data_gradient").size() == 2);
    read.check();
    Trained small({2, 3, 4, 4}, {40, 1, 3, 3}, options);
    CHECK(small.along("depthwise_blocked_data_gradient") == Names{"rectified_sums"});
    small.check();
    Trained rows({2, 3, 9, 11}, {40, 1, 1, 3}, {.padding = {0, 1}, .groups = 40});
    CHECK(rows.along("depthwise_blocked_data_gradient").size() == 2);
    rows.check();
    Trained large({2, 3, 9, 11}, {40, 1, 5, 5}, {.padding = {2, 2}, .groups = 40});
    CHECK(large.along("depthwise_blocked_data_gradient") == Names{"rectified_sums"});
    Trained unpadded({2, 3, 12, 12}, {40, 1, 3, 3}, {.groups = 40});
    CHECK(unpadded.along("depthwise_blocked_data_gradient") == Names{"rectified_sums"});
    unpadded.check();
    for (auto stride : {Extent{2, 2}, Extent{3, 3}, Extent{1, 2}}) {
        for (int64_t kernel : {1, 3}) {
            // Several strips.
            Trained strided(
                {1, 3, 100, 90}, {40, 1, kernel, kernel},
                {.stride = {stride.height, stride.width}, .padding = {kernel / 2, kernel / 2}, .groups = 40});
            CHECK(strided.along("depthwise_blocked_data_gradient") == Names{"rectified_sums"});
            strided.check();
        }
    }
}

TEST_CASE("a depthwise gradient to weights that reads its images as they are goes along as well") {
    for (int64_t kernel : {1, 3}) {
        Tensor    x      = input("x", {2, 40, 9, 10});
        Tensor    first  = variable("first", random_array({.shape = {40, 1, 3, 3}}, 1));
        Tensor    second = variable("second", random_array({.shape = {40, 1, kernel, kernel}}, 2));
        Tensor    y      = conv2d(x, first, {.padding = {1, 1}, .groups = 40});
        Tensor    z      = conv2d(y, second, {.padding = {kernel / 2, kernel / 2}, .groups = 40});
        Gradients each   = grad(sum(z * z) * constant(0.01f), {first, second});
        Tensors   outputs{each[0].gradient, each[1].gradient};
        auto      groups = make_plan(outputs, {}, {}).groups;
        CHECK(std::count_if(groups.begin(), groups.end(), gathers) == 1);

        Array   values  = random_array({.shape = x.shape()}, 5);
        auto    exact   = interpret(outputs, {{x, values_of(values)}});
        Program program = compile(outputs, {}, {.threads = 2, .poison = true});
        program.run({{x, values}});
        check_close("first", program.output(0), exact[0].at, {.ulps = 600, .floor = 64});
        check_close("second", program.output(1), exact[1].at, {.ulps = 600, .floor = 64});
    }
}

TEST_CASE("what goes along, and what reads, is not taken for what a step writes") {
    Trained net({2, 3, 9, 11}, {40, 1, 3, 3}, {.padding = {1, 1}, .groups = 40});
    Tensor  pooled  = max_pool(conv2d(net.images, net.variables[0], {.padding = {1, 1}}));
    Tensors outputs = {moments(net.outputs.back()), moments(moments(net.outputs.back())), moments(moments(pooled))};
    Array   values  = random_array({.shape = net.images.shape()}, 5);
    auto    exact   = interpret(outputs, {{net.images, values_of(values)}});
    Program program = compile(outputs, {}, {.poison = true});
    program.run({{net.images, values}});
    for (size_t i = 0; i < outputs.size(); ++i) {
        check_close(fmt::format("output {}", i), program.output(i), exact[i].at, {.ulps = 6000, .floor = 64});
    }
}
