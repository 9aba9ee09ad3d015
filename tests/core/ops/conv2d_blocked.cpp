#include "core/ops/conv2d_blocked.h"
#include "core/ops/conv2d.h"

#include "core/ops/channel_blocks.h"
#include "core/ops/depthwise_blocked.h"
#include "core/plan/plan.h"
#include "core/run/program.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <fmt/core.h>

#include <algorithm>

using namespace hemp;

namespace {

const Tolerance blocked_products{.ulps = 32, .floor = 16};

/// x [N, C, H, W], given in blocks unless it stays planar.
void check_blocked(const Shape& x, const Shape& weight, const ConvOptions& options, bool gradient = true) {
    std::string name  = fmt::format("conv2d_blocked stride {} {} padding {} {}", options.stride[0], options.stride[1],
                                    options.padding[0], options.padding[1]);
    Shape       given = stays_planar(x) ? x : blocked_shape(x);
    check_operator(name, [=](const Tensors& t) { return conv2d_blocked(t[0], t[1], options); },
                   {{.shape = given}, {.shape = weight}},
                   {.result = blocked_products, .gradient = gradient, .slope = blocked_products});
}

void check_gradients(const Shape& x, const Shape& weight, const ConvOptions& options) {
    Shape given = stays_planar(x) ? x : blocked_shape(x);
    Shape y     = conv2d_blocked(input("x", given), input("weight", weight), options).shape();
    check_operator("conv2d_blocked_data_gradient",
                   [=](const Tensors& t) { return conv2d_blocked_data_gradient(t[0], t[1], x, options); },
                   {{.shape = y}, {.shape = weight}}, {.result = blocked_products, .gradient = false});
    check_operator("conv2d_blocked_weight_gradient",
                   [=](const Tensors& t) { return conv2d_blocked_weight_gradient(t[0], t[1], weight, options); },
                   {{.shape = y}, {.shape = given}}, {.result = {.ulps = 32, .floor = 64}, .gradient = false});
}

}  // namespace

TEST_CASE("channels in blocks") {
    SUBCASE("and back") {
        for (int64_t channels : {1, 15, 16, 17, 32}) {
            Shape planes{2, channels, 3, 5};
            check_operator("block_channels", [](const Tensors& t) { return block_channels(t[0]); },
                           {{.shape = planes}});
            check_operator("unblock_channels", [=](const Tensors& t) { return unblock_channels(t[0], channels); },
                           {{.shape = blocked_shape(planes)}});
        }
    }
    SUBCASE("that do not fit are refused") {
        CHECK_THROWS_WITH_AS(
            block_channels(input("x", {2, 3, 4})),
            "block_channels: x has shape [2, 3, 4]; it needs four axes (images, channels, rows, columns)", ShapeError);
        CHECK_THROWS_WITH_AS(unblock_channels(input("x", {2, 1, 4, 4, 16}), 17),
                             "unblock_channels: x [2, 1, 4, 4, 16] holds no 17 channels in its blocks of 16",
                             ShapeError);
        CHECK_THROWS_AS(unblock_channels(input("x", {2, 1, 4, 4, 8}), 8), ShapeError);
    }
}

TEST_CASE("conv2d on blocks of channels") {
    SUBCASE("agrees with its definition") {
        check_blocked({2, 16, 5, 6}, {16, 16, 3, 3}, {.padding = {1, 1}});
        check_blocked({1, 20, 4, 3}, {17, 20, 3, 2}, {});
        check_blocked({2, 5, 3, 3}, {3, 5, 1, 1}, {});
    }
    SUBCASE("of planes") {
        check_blocked({2, 3, 7, 6}, {18, 3, 3, 3}, {.padding = {1, 1}});
        check_blocked({1, 1, 6, 9}, {5, 1, 5, 5}, {});
        check_blocked({2, 4, 9, 8}, {4, 4, 5, 3}, {.stride = {4, 2}, .padding = {2, 1}});
    }
    SUBCASE("with strides and padding") {
        check_blocked({2, 6, 7, 6}, {3, 6, 3, 3}, {.stride = {2, 1}, .padding = {1, 2}});
        check_blocked({1, 6, 7, 8}, {5, 6, 2, 3}, {.stride = {3, 2}});
        check_blocked({1, 18, 5, 5}, {6, 18, 1, 1}, {.stride = {2, 2}});
        check_blocked({1, 5, 3, 3}, {2, 5, 5, 5}, {.padding = {3, 3}});
    }
    // All widths of tiles and their remainders, strips that cut an image, shares of the filters and of the batch.
    SUBCASE("over a sweep of sizes") {
        for (int64_t width : {1, 2, 7, 13, 28}) {
            for (int64_t stride : width == 13 ? std::vector<int64_t>{1, 2, 3} : std::vector<int64_t>{1, 2}) {
                ConvOptions options{.stride = {stride, stride}, .padding = {1, 1}};
                check_blocked({1, 3, std::min<int64_t>(width, 5), width}, {18, 3, 3, 3}, options, false);
                check_gradients({1, 3, 5, width}, {3, 3, 3, 3}, options);
                check_blocked({1, 5, 5, width}, {3, 5, 3, 3}, options, false);
                check_gradients({1, 5, std::min<int64_t>(width, 5), width}, {3, 5, 3, 3}, options);
                check_gradients({1, 5, 3, width}, {3, 5, 1, 1}, {.stride = {stride, stride}});
            }
        }
        check_blocked({1, 17, 40, 36}, {1, 17, 3, 3}, {.padding = {1, 1}}, false);  // strips that cut an image
        check_gradients({20, 6, 2, 2}, {33, 6, 3, 3}, {.padding = {1, 1}});
        for (int64_t width : {22, 24, 26}) {
            check_gradients({1, 5, 2, width}, {3, 5, 3, 3}, {.padding = {1, 1}});
        }
        check_gradients({23, 20, 10, 10}, {5, 20, 1, 1}, {});  // small images, several at a time
        check_gradients({3, 20, 20, 30}, {5, 20, 1, 1}, {});
    }
    SUBCASE("with a last block that is filled up more or less") {
        for (int64_t channels : {7, 8, 9, 15, 24, 31}) {
            for (int64_t stride : {1, 2, 3}) {
                ConvOptions options{.stride = {stride, stride}, .padding = {1, 1}};
                check_blocked({2, channels, 5, 6}, {20, channels, 3, 3}, options, false);
                check_gradients({2, channels, 5, 6}, {40 - channels, channels, 3, 3}, options);
                check_gradients({2, channels, 5, 6}, {40 - channels, channels, 1, 1}, {.stride = {stride, stride}});
            }
        }
    }
    SUBCASE("by Winograd's algorithm") {
        ConvOptions     options{.padding = {1, 1}};
        const Tolerance coarser{.ulps = 128, .floor = 64};
        auto            check = [&](const std::string& name, const Builder& build, const Operands& operands,
                         const Tolerance& tolerance) {
            Tensors inputs;
            for (const Operand& each : operands) {
                inputs.push_back(input("operand", each.shape));
            }
            CHECK(make_plan({build(inputs)}).works.back().algorithm == "Winograd F(4x4, 3x3)");
            check_operator(name + " by Winograd", build, operands, {.result = tolerance, .gradient = false});
        };
        // Sizes that no tile divides; one image of few tiles; so many filters that theirs are transformed on the way.
        for (auto& [x, filters] : {std::pair<Shape, int64_t>{{3, 17, 13, 14}, 16},
                                   {{1, 16, 14, 14}, 18},
                                   {{1, 20, 13, 16}, 140},
                                   {{32, 16, 3, 3}, 16}}) {
            Shape image = x, y{x[0], filters, x[2], x[3]}, weight{filters, x[1], 3, 3};
            check(
                "conv2d_blocked", [=](const Tensors& t) { return conv2d_blocked(t[0], t[1], options); },
                {{.shape = blocked_shape(x)}, {.shape = weight}}, coarser);
            check(
                "conv2d_blocked_data_gradient",
                [=](const Tensors& t) { return conv2d_blocked_data_gradient(t[0], t[1], image, options); },
                {{.shape = blocked_shape(y)}, {.shape = weight}}, coarser);
            check("conv2d_blocked_weight_gradient",
                  [=](const Tensors& t) { return conv2d_blocked_weight_gradient(t[0], t[1], weight, options); },
                  {{.shape = blocked_shape(y)}, {.shape = blocked_shape(x)}}, {.ulps = 256, .floor = 256});
        }
    }
    SUBCASE("of no images") { check_blocked({0, 16, 5, 5}, {3, 16, 3, 3}, {.padding = {1, 1}}); }
    SUBCASE("takes no part in what fills up a block") {
        Tensor dense = given({1, 1, 1, 1, 16}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
        Tensor ones  = given({1, 2, 1, 1}, {1, 1});
        CHECK(computed(conv2d_blocked(dense, ones))[0] == 3);
        CHECK(computed(conv2d_blocked(dense, ones))[1] == 0);
    }
    SUBCASE("refuses what does not fit") {
        Tensor weight = input("weight", {3, 20, 3, 3});
        CHECK_THROWS_WITH_AS(conv2d_blocked(input("x", {1, 1, 5, 5, 16}), weight),
                             "conv2d_blocked: x has shape [1, 1, 5, 5, 16], but weights for 20 channels need [N, 2, H, "
                             "W, 16]",
                             ShapeError);
        CHECK_THROWS_WITH_AS(conv2d_blocked(input("x", {1, 2, 5, 5, 16}), weight, {.dilation = {2, 2}}),
                             "conv2d_blocked: dilation and groups are not for blocks of channels; use conv2d",
                             ShapeError);
        CHECK_THROWS_AS(conv2d_blocked(input("x", {1, 2, 2, 5, 16}), weight), ShapeError);
        CHECK_THROWS_AS(conv2d_blocked_data_gradient(input("dy", {1, 1, 9, 9, 16}), weight, {1, 20, 5, 5}), ShapeError);
    }
}

TEST_CASE("depthwise conv2d on blocks of channels") {
    auto check_depthwise = [](const Shape& x, const Shape& weight, ConvOptions options, bool gradient) {
        options.groups = x[1];
        Shape y        = depthwise_blocked(input("x", blocked_shape(x)), input("weight", weight), options).shape();
        check_operator(fmt::format("depthwise_blocked stride {}", options.stride[0]),
                       [=](const Tensors& t) { return depthwise_blocked(t[0], t[1], options); },
                       {{.shape = blocked_shape(x)}, {.shape = weight}},
                       {.result = blocked_products, .gradient = gradient, .slope = blocked_products});
        check_operator("depthwise_blocked_data_gradient",
                       [=](const Tensors& t) { return depthwise_blocked_data_gradient(t[0], t[1], x, options); },
                       {{.shape = y}, {.shape = weight}}, {.result = blocked_products, .gradient = false});
        check_operator("depthwise_blocked_weight_gradient",
                       [=](const Tensors& t) { return depthwise_blocked_weight_gradient(t[0], t[1], weight, options); },
                       {{.shape = y}, {.shape = blocked_shape(x)}},
                       {.result = {.ulps = 32, .floor = 64}, .gradient = false});
    };
    SUBCASE("agrees with its definition") {
        check_depthwise({2, 16, 5, 4}, {16, 1, 3, 3}, {.padding = {1, 1}}, true);
        check_depthwise({1, 18, 6, 7}, {18, 1, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}}, true);
        check_depthwise({1, 3, 4, 7}, {3, 1, 2, 5}, {.stride = {1, 3}, .padding = {0, 2}}, true);
        for (Shape kernel : {Shape{3, 1}, Shape{3, 2}, Shape{4, 4}, Shape{5, 5}}) {  // taps beside groups of three
            check_depthwise({1, 18, 7, 6}, {18, 1, kernel[0], kernel[1]}, {.padding = {1, 0}}, false);
        }
        check_depthwise({1, 5, 8, 7}, {5, 1, 3, 3}, {.stride = {3, 3}, .padding = {1, 1}}, false);
    }
    SUBCASE("over a sweep of widths, and of strips that cut an image") {
        for (int64_t width : {1, 2, 7, 13, 30}) {
            check_depthwise({1, 5, 3, width}, {5, 1, 3, 3}, {.padding = {1, 1}}, false);
            check_depthwise({2, 5, 4, width}, {5, 1, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}}, false);
        }
        check_depthwise({1, 2, 40, 37}, {2, 1, 3, 3}, {.padding = {1, 1}}, false);
        check_depthwise({1, 2, 1, 1}, {2, 1, 1, 1}, {.stride = {2, 2}}, false);
        check_depthwise({0, 2, 3, 3}, {2, 1, 3, 3}, {.padding = {1, 1}}, false);
    }
    SUBCASE("refuses what does not fit") {
        CHECK_THROWS_WITH_AS(
            depthwise_blocked(input("x", {1, 1, 5, 5, 16}), input("weight", {20, 1, 3, 3}), {.groups = 20}),
            "depthwise_blocked: x has shape [1, 1, 5, 5, 16], but 20 channels need [N, 2, H, W, 16]", ShapeError);
        CHECK_THROWS_WITH_AS(
            depthwise_blocked(input("x", {1, 1, 5, 5, 16}), input("weight", {8, 1, 3, 3}), {.groups = 4}),
            "depthwise_blocked: x [1, 4, 5, 5], weight [8, 1, 3, 3] and 4 groups are not one filter a channel without "
            "dilation; use conv2d",
            ShapeError);
    }
}

TEST_CASE("blocks of channels pay, or it is said why not") {
    CHECK(no_blocks({1, 16, 8, 8}, {16, 16, 3, 3}, {}).empty());
    CHECK(no_blocks({1, 3, 8, 8}, {64, 3, 3, 3}, {}).empty());
    CHECK(no_blocks({1, 144, 8, 8}, {24, 144, 1, 1}, {}).empty());
    CHECK(no_blocks({1, 20, 8, 8}, {50, 20, 5, 5}, {}) == "blocks of channels: 2.05 times the products");
    CHECK(no_blocks({1, 16, 8, 8}, {16, 16, 3, 3}, {.dilation = {2, 2}}) ==
          "blocks of channels: for one group without dilation");
    CHECK_FALSE(no_blocks({1, 16, 8, 8}, {16, 1, 3, 3}, {.groups = 16}).empty());
}

TEST_CASE("a direct convolution says why Winograd's algorithm was not taken") {
    auto instead = [](Shape x, Shape weight, const ConvOptions& options) {
        return make_plan({conv2d(input("x", x), input("weight", weight), options)}).works.at(1).instead;
    };
    CHECK(instead({1, 16, 8, 8}, {16, 16, 1, 1}, {}) == "Winograd: for 3 x 3 kernels, not 1 x 1");
    CHECK(instead({8, 16, 16, 16}, {16, 16, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}}) ==
          "Winograd: for stride 1 and padding 1");
    CHECK(instead({1, 16, 8, 8}, {16, 16, 3, 3}, {.padding = {1, 1}}) ==
          "Winograd: 4 tiles are too few for the transformed weights");
    CHECK(instead({8, 16, 16, 16}, {16, 16, 3, 3}, {.padding = {1, 1}}).empty());
}
