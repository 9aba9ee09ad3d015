// Batch norm's statistics are gathered by the convolution that writes what they are of.

#include "core/ops/conv2d.h"
#include "core/ops/moments.h"
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

struct Statistics {
    Tensor  images, y;
    Tensors outputs;

    explicit Statistics(const Case& c) {
        images        = input("images", c.x);
        Tensor weight = variable("weight", random_array({.shape = c.weight, .low = -0.3, .high = 0.3}, 3));
        y             = conv2d(images, weight, c.options);
        outputs       = {y, moments(y)};
    }
};

}  // namespace

TEST_CASE("moments are gathered while a convolution writes") {
    for (const Case& c : cases) {
        CAPTURE(c.algorithm);
        CAPTURE(fmt::format("{} {}", c.x, c.weight));
        Statistics net(c);
        Plan       plan  = make_plan(net.outputs, {}, {});
        auto       found = std::find_if(plan.groups.begin(), plan.groups.end(), [](const Group& g) { return g.along; });
        REQUIRE(found != plan.groups.end());
        CHECK(plan.works[static_cast<size_t>(found - plan.groups.begin())].algorithm == c.algorithm);

        Array                      images   = random_array({.shape = c.x, .low = 0, .high = 2}, 5);
        std::vector<plain::Values> expected = interpret(net.outputs, {{net.images, values_of(images)}});
        for_each_instruction_set([&](InstructionSet) {
            std::vector<Array> results;
            for (int threads : {1, 2, 3}) {
                Program program = compile(net.outputs, {}, {.threads = threads, .poison = true});
                program.run({{net.images, images}});
                check_close("moments", program.output(1), expected[1].at, {.ulps = 64, .floor = 2});
                results.push_back(program.output(1));
                CHECK(same_bits(results[0], results.back()));
            }
        });
    }
}

TEST_CASE("moments of what nobody writes in blocks are a step of their own") {
    Statistics net({"", {3, 5, 9, 9}, {7, 5, 3, 3}, {}});
    Plan       plan = make_plan(net.outputs, {}, {});
    CHECK(std::none_of(plan.groups.begin(), plan.groups.end(), [](const Group& g) { return g.along; }));
}
