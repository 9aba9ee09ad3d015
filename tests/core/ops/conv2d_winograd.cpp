// conv2d with 5 x 5 kernels on planes, by Winograd's algorithm.

#include "core/grad.h"
#include "core/ops/conv2d.h"
#include "core/run/program.h"
#include "tests/harness.h"
#include "tests/interpreter.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace hemp;

namespace {

const Tolerance sums_at_points{.ulps = 64, .floor = 32};

struct Case {
    Shape       x, weight;
    ConvOptions options = {};

    Shape y() const { return conv2d(input("x", x), input("weight", weight), options).shape(); }

    /// conv2d, its gradient to data, its gradient to the weights.
    std::vector<std::pair<Builder, Operands>> all() const {
        return {{[c = *this](const Tensors& t) { return conv2d(t[0], t[1], c.options); },
                 {{.shape = x}, {.shape = weight}}},
                {[c = *this](const Tensors& t) { return conv2d_data_gradient(t[0], t[1], c.x, c.options); },
                 {{.shape = y()}, {.shape = weight}}},
                {[c = *this](const Tensors& t) { return conv2d_weight_gradient(t[0], t[1], c.weight, c.options); },
                 {{.shape = y()}, {.shape = x}}}};
    }
};

std::vector<std::string> algorithms_of(const Case& c) {
    std::vector<std::string> found;
    for (const auto& [build, operands] : c.all()) {
        Tensors inputs;
        for (const Operand& each : operands) {
            inputs.push_back(input("operand", each.shape));
        }
        found.push_back(make_plan({build(inputs)}).works[0].algorithm);
    }
    return found;
}

const std::vector<std::string> all_by_winograd(3, "Winograd F(2x2, 5x5)");

}  // namespace

TEST_CASE("5 x 5 kernels on planes go by Winograd's algorithm") {
    SUBCASE("which agrees with the definition") {
        for (const Case& c :
             {Case{{2, 8, 12, 12}, {9, 8, 5, 5}}, Case{{1, 9, 8, 10}, {17, 9, 5, 5}, {.padding = {2, 2}}},
              Case{{1, 10, 14, 12}, {8, 10, 5, 5}}, Case{{2, 8, 4, 10}, {8, 8, 5, 5}, {.padding = {4, 3}}}}) {
            CAPTURE(fmt::format("{} {}", c.x, c.weight));
            CHECK(algorithms_of(c) == all_by_winograd);
            for (const auto& [build, operands] : c.all()) {
                check_operator("conv2d by Winograd's algorithm", build, operands,
                               {.result = sums_at_points, .slope = sums_at_points});
            }
        }
    }
    SUBCASE("for more images than are multiplied at once, and for none") {
        for (int64_t images : {35, 0}) {
            Case c{{images, 8, 12, 12}, {8, 8, 5, 5}};
            CHECK(algorithms_of(c) == all_by_winograd);
            for (const auto& [build, operands] : c.all()) {
                check_operator("conv2d by Winograd's algorithm", build, operands,
                               {.result = {.ulps = 64, .floor = 128}, .gradient = false});
            }
        }
    }
    SUBCASE("but for odd numbers of results, strides, dilation, groups, and few channels") {
        for (const Case& c :
             {Case{{1, 8, 13, 12}, {8, 8, 5, 5}}, Case{{1, 8, 20, 20}, {8, 8, 5, 5}, {.stride = {2, 1}}},
              Case{{1, 8, 20, 20}, {8, 8, 5, 5}, {.dilation = {1, 2}}},
              Case{{1, 8, 12, 12}, {8, 4, 5, 5}, {.groups = 2}}, Case{{1, 3, 12, 12}, {8, 3, 5, 5}},
              Case{{1, 8, 10, 12}, {8, 8, 5, 5}}}) {
            for (const std::string& algorithm : algorithms_of(c)) {
                CHECK(algorithm != all_by_winograd[0]);
            }
        }
    }
}

TEST_CASE("the rounding of Winograd's algorithm for 5 x 5 kernels is bounded") {
    Case c{{6, 20, 12, 12}, {50, 20, 5, 5}};
    for (const auto& [build, operands] : c.all()) {
        Tensors            inputs;
        std::vector<Array> arrays;
        Given              given;
        std::vector<Feed>  feeds;
        arrays.reserve(operands.size());
        for (const Operand& each : operands) {
            inputs.push_back(input("operand", each.shape));
            arrays.push_back(random_array(each, inputs.size()));
            given[inputs.back()] = values_of(arrays.back());
            feeds.push_back({inputs.back(), arrays.back()});
        }
        Tensor        result   = build(inputs);
        plain::Values expected = interpret({result}, given)[0];
        Program       program  = compile({result});
        program.run(feeds);
        auto   got   = program.output(0).values<float>();
        double error = 0, size = 0, worst = 0;
        for (size_t i = 0; i < got.size(); ++i) {
            double difference = static_cast<double>(got[i]) - expected.at[i];
            error += difference * difference;
            size += expected.at[i] * expected.at[i];
            worst = std::max(worst, std::abs(difference));
        }
        CHECK(std::sqrt(error / size) < 5e-6);
        CHECK(worst < 1e-4 * std::sqrt(size / static_cast<double>(got.size())));
    }
}
