#include "core/ops/conv2d.h"

#include "core/grad.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

const Tolerance sums_of_products{.ulps = 32, .floor = 8};

void check_conv2d(Shape x, Shape weight, const ConvOptions& options, bool gradient = true) {
    std::string name =
        fmt::format("conv2d stride {} {} padding {} {} dilation {} {} groups {}", options.stride[0], options.stride[1],
                    options.padding[0], options.padding[1], options.dilation[0], options.dilation[1], options.groups);
    check_operator(name, [=](const Tensors& t) { return conv2d(t[0], t[1], options); },
                   {{.shape = x}, {.shape = weight}},
                   {.result = sums_of_products, .gradient = gradient, .slope = sums_of_products});
}

}  // namespace

TEST_CASE("conv2d") {
    SUBCASE("agrees with its definition") {
        check_conv2d({2, 3, 5, 6}, {4, 3, 3, 2}, {});
        check_conv2d({1, 1, 3, 3}, {1, 1, 3, 3}, {});
        check_conv2d({2, 2, 6, 5}, {3, 2, 1, 1}, {});
    }
    SUBCASE("with stride, padding, dilation and groups") {
        check_conv2d({2, 2, 7, 6}, {3, 2, 3, 3}, {.stride = {2, 1}, .padding = {1, 2}});
        check_conv2d({2, 2, 7, 8}, {2, 2, 2, 3}, {.stride = {1, 3}, .dilation = {2, 2}});
        check_conv2d({2, 4, 5, 5}, {6, 2, 3, 3}, {.padding = {1, 1}, .groups = 2});
        for (int64_t stride : {1, 2, 3}) {
            for (int64_t dilation : {1, 2}) {
                for (int64_t groups : {1, 3}) {
                    check_conv2d({1, 9, 7, 8}, {6, 9 / groups, 3, 2},
                                 {.stride   = {stride, stride},
                                  .padding  = {dilation, 1},
                                  .dilation = {dilation, dilation},
                                  .groups   = groups});
                }
            }
        }
        check_conv2d({2, 4, 5, 5}, {4, 1, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}, .groups = 4});
        check_conv2d({2, 2, 8, 8}, {2, 1, 3, 3},
                     {.stride = {2, 2}, .padding = {2, 2}, .dilation = {2, 1}, .groups = 2});
        check_conv2d({1, 2, 3, 3}, {2, 2, 5, 5}, {.padding = {3, 3}});
    }
    SUBCASE("of an image of LeNet-5, more images than pieces") {
        check_conv2d({35, 1, 28, 28}, {6, 1, 5, 5}, {}, false);
    }
    SUBCASE("with more taps than the product sums at once") { check_conv2d({1, 70, 5, 4}, {2, 70, 4, 4}, {}, false); }
    SUBCASE("of no images") { check_conv2d({0, 2, 5, 5}, {3, 2, 3, 3}, {.padding = {1, 1}}); }
    SUBCASE("refuses what does not fit") {
        Tensor x = input("x", {1, 3, 5, 5});
        CHECK_THROWS_WITH_AS(conv2d(x, input("w", {2, 4, 3, 3})),
                             "conv2d: x [1, 3, 5, 5] has 3 channels a group, weight [2, 4, 3, 3] expects 4",
                             ShapeError);
        CHECK_THROWS_WITH_AS(
            conv2d(x, input("w", {2, 3, 7, 3})),
            "conv2d: a kernel of 7 x 3 does not fit into x [1, 3, 5, 5] with this padding and dilation", ShapeError);
        CHECK_THROWS_WITH_AS(conv2d(x, input("w", {2, 1, 3, 3}), {.groups = 2}),
                             "conv2d: 3 channels and 2 filters do not divide into 2 groups", ShapeError);
        CHECK_THROWS_WITH_AS(conv2d(input("x", {3, 5, 5}), input("w", {2, 3, 3, 3})),
                             "conv2d: x has shape [3, 5, 5]; it needs four axes (images, channels, rows, columns)",
                             ShapeError);
        CHECK_THROWS_WITH_AS(conv2d(x, input("w", {2, 3, 3, 3}), {.stride = {0, 1}}),
                             "conv2d: stride and dilation must be at least 1, padding at least 0", ShapeError);
        CHECK_THROWS_AS(conv2d(x, input("w", {2, 3, 3, 3}), {.stride = {1}}), ShapeError);
    }
}

TEST_CASE("the gradients of conv2d are operators with gradients of their own") {
    ConvOptions options{.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2};
    Shape       x{2, 4, 5, 6}, weight{2, 2, 3, 2}, y{2, 2, 3, 4};
    check_operator("conv2d_data_gradient",
                   [=](const Tensors& t) { return conv2d_data_gradient(t[0], t[1], x, options); },
                   {{.shape = y}, {.shape = weight}}, {.result = sums_of_products, .slope = sums_of_products});
    check_operator("conv2d_weight_gradient",
                   [=](const Tensors& t) { return conv2d_weight_gradient(t[0], t[1], weight, options); },
                   {{.shape = y}, {.shape = x}}, {.result = sums_of_products, .slope = sums_of_products});
    // The gradient of the squared length of a gradient.
    check_operator("second order of conv2d",
                   [=](const Tensors& t) {
                       Tensor    z     = conv2d(t[0], t[1], options);
                       Gradients first = grad(sum(z * z), {t[0], t[1]});
                       return first[0].gradient * sum(first[1].gradient * first[1].gradient);
                   },
                   {{.shape = x, .low = -1, .high = 1}, {.shape = weight, .low = -1, .high = 1}},
                   {.result = {.ulps = 200, .floor = 1e4}, .gradient = true, .slope = {.ulps = 1000, .floor = 1e5}});
    CHECK_THROWS_WITH_AS(conv2d_data_gradient(input("dy", {2, 2, 2, 2}), input("w", weight), x, options),
                         "conv2d_data_gradient: dy has shape [2, 2, 2, 2], but the convolution gives [2, 2, 3, 4]",
                         ShapeError);
    CHECK_THROWS_WITH_AS(conv2d_weight_gradient(input("dy", {2, 2, 2, 2}), input("x", x), weight, options),
                         "conv2d_weight_gradient: dy has shape [2, 2, 2, 2], but the convolution gives [2, 2, 3, 4]",
                         ShapeError);
}
