// Convolutions whose weights are packed beforehand, and which finish their results as they write them.

#include "core/ops/channel_blocks.h"
#include "core/ops/conv2d_blocked.h"
#include "core/ops/depthwise_blocked.h"
#include "core/ops/expanded_depthwise.h"
#include "core/ops/pack_filters.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace hemp;

namespace {

const Tolerance direct{.ulps = 32, .floor = 16};
const Tolerance winograd{.ulps = 256, .floor = 64};

struct FinishingCase {
    bool  bias, addend;
    Clamp clamp = {};
};

constexpr float infinite = std::numeric_limits<float>::infinity();

const std::vector<FinishingCase> finishings{
    {false, false}, {true, false}, {false, true, {0, infinite}}, {true, true, {-1, 6}}};

/// x [N, C, H, W], given in blocks unless it stays planar; every finishing unless told.
void check_finished(const Shape& x, const Shape& weight, const ConvOptions& options,
                    const Tolerance& tolerance = direct, const std::vector<FinishingCase>& cases = finishings) {
    bool  depthwise = is_depthwise(x, weight, options);
    Shape given     = stays_planar(x) && !depthwise ? x : blocked_shape(x);
    auto  plain     = depthwise ? depthwise_blocked : conv2d_blocked;
    auto  with      = depthwise ? depthwise_finished : conv2d_finished;
    Shape y         = plain(input("x", given), input("weight", weight), options).shape();
    for (const FinishingCase& each : cases) {
        Operands operands{{.shape = given}, {.shape = weight}};
        if (each.bias) {
            operands.push_back({.shape = {1, y[1], 1, 1, 16}});
        }
        if (each.addend) {
            operands.push_back({.shape = y});
        }
        auto build = [=](const Tensors& t) {
            return with(t[0], t[1], options,
                        {.bias   = each.bias ? t[2] : Tensor(),
                         .addend = each.addend ? t.back() : Tensor(),
                         .clamp  = each.clamp});
        };
        check_operator(fmt::format("{} stride {} padding {}", depthwise ? "depthwise_finished" : "conv2d_finished",
                                   options.stride[0], options.padding[0]),
                       build, operands, {.result = tolerance, .gradient = false});
    }
}

}  // namespace

TEST_CASE("filters are packed") {
    for (const Shape& weight : {Shape{16, 16, 3, 3}, Shape{17, 5, 1, 2}, Shape{3, 20, 2, 2}}) {
        for (int64_t lanes : {1, 16}) {
            check_operator("pack_filters", [=](const Tensors& t) { return pack_filters(t[0], lanes); },
                           {{.shape = weight}}, {.gradient = false});
        }
    }
    for (const Shape& weight : {Shape{16, 16, 3, 3}, Shape{17, 5, 3, 3}, Shape{40, 20, 3, 3}}) {
        check_operator("winograd_filters", [](const Tensors& t) { return winograd_filters(t[0]); }, {{.shape = weight}},
                       {.result = {.ulps = 8, .floor = 4}, .gradient = false});
    }
    CHECK_THROWS_WITH_AS(winograd_filters(input("w", {3, 3, 5, 5})),
                         "winograd_filters: weight has shape [3, 3, 5, 5]; its kernel must be 3 x 3", ShapeError);
    CHECK_THROWS_AS(pack_filters(input("w", {3, 3, 5}), 16), ShapeError);
    CHECK_THROWS_AS(pack_filters(input("w", {3, 3, 5, 5}), 8), ShapeError);
}

TEST_CASE("finished convolutions") {
    SUBCASE("direct, of blocks") {
        check_finished({2, 20, 5, 6}, {17, 20, 3, 2}, {.padding = {1, 1}});
        check_finished({1, 16, 7, 9}, {33, 16, 1, 1}, {});
        check_finished({2, 18, 5, 5}, {6, 18, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}});
    }
    SUBCASE("direct, of planes") { check_finished({2, 3, 9, 8}, {18, 3, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}}); }
    SUBCASE("depthwise") {
        check_finished({2, 18, 5, 4}, {18, 1, 3, 3}, {.padding = {1, 1}, .groups = 18});
        check_finished({1, 16, 6, 7}, {16, 1, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}, .groups = 16});
    }
    SUBCASE("of one image or two, odd and even sizes, strides 1 to 3") {
        for (int64_t stride : {1, 2, 3}) {
            for (int64_t kernel : {1, 3}) {
                for (const Shape& x : {Shape{1, 7, 5, 9}, Shape{2, 31, 8, 7}}) {
                    ConvOptions options{.stride = {stride, stride}, .padding = {kernel / 2, kernel / 2}};
                    check_finished(x, {18, x[1], kernel, kernel}, options, direct, {finishings.back()});
                    options.groups = x[1];
                    check_finished(x, {x[1], 1, kernel, kernel}, options, direct, {finishings.back()});
                }
            }
        }
    }
    SUBCASE("by Winograd's algorithm") {
        for (const Shape& x : {Shape{1, 16, 13, 19}, Shape{3, 33, 8, 8}}) {
            check_finished(x, {17, x[1], 3, 3}, {.padding = {1, 1}}, winograd, {finishings.back()});
        }
        check_finished({2, 20, 14, 17}, {18, 20, 3, 3}, {.padding = {1, 1}}, winograd);
    }
    SUBCASE("by Winograd's algorithm, filters transformed on the way") {
        check_finished({32, 16, 3, 3}, {144, 16, 3, 3}, {.padding = {1, 1}}, winograd, {finishings.back()});
    }
    SUBCASE("expanded by a kernel of 1 x 1, strip by strip") {
        for (int64_t stride : {1, 2}) {
            for (const Shape& x : {Shape{2, 20, 5, 6}, Shape{1, 16, 70, 41}}) {
                ConvOptions options{.stride = {stride, stride}, .padding = {1, 1}, .groups = 40};
                auto        build = [=](const Tensors& t) {
                    Tensor expanded = conv2d_finished(t[0], t[1], {}, {.bias = t[2], .addend = {}, .clamp = {0, 6}});
                    Tensor y        = depthwise_finished(expanded, t[3], options,
                                                                {.bias = {}, .addend = {}, .clamp = {-1, infinite}});
                    Tensor joined = expanded_depthwise(y.node());
                    REQUIRE(joined);
                    return joined;
                };
                check_operator("expanded_depthwise", build,
                               {{.shape = blocked_shape(x)},
                                {.shape = {40, x[1], 1, 1}},
                                {.shape = {1, 3, 1, 1, 16}},
                                {.shape = {40, 1, 3, 3}}},
                               {.result = direct, .gradient = false});
            }
        }
    }
    SUBCASE("refuse what does not fit") {
        Tensor x = input("x", {1, 1, 5, 5, 16}), weight = input("weight", {17, 16, 3, 3});
        CHECK_THROWS_WITH_AS(conv2d_finished(x, weight, {}, {.bias = input("bias", {1, 1, 1, 1, 16}), .addend = {}}),
                             "conv2d_finished: bias has shape [1, 1, 1, 1, 16]; the result [1, 2, 3, 3, 16] needs [1, "
                             "2, 1, 1, 16]",
                             ShapeError);
        CHECK_THROWS_WITH_AS(conv2d_finished(x, weight, {}, {.bias = {}, .addend = x}),
                             "conv2d_finished: addend has shape [1, 1, 5, 5, 16], but the result has [1, 2, 3, 3, 16]",
                             ShapeError);
    }
    SUBCASE("let NaN through") {
        float  nan = std::numeric_limits<float>::quiet_NaN();
        Tensor x   = given({1, 1, 1, 1, 16}, std::vector<float>(16, nan));
        CHECK(std::isnan(computed(conv2d_finished(x, given({1, 16, 1, 1}, std::vector<float>(16, 1)), {},
                                                  {.bias = {}, .addend = {}, .clamp = {0, 6}}))[0]));
    }
}
