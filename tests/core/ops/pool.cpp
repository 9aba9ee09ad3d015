#include "core/ops/pool.h"

#include "core/grad.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

namespace {

const PoolOptions all_options[] = {
    {},
    {.window = {3, 2}},
    {.window = {3, 3}, .stride = {2, 2}, .padding = {1, 1}},
    {.window = {2, 2}, .stride = {1, 1}},
    {.window = {2, 3}, .stride = {3, 1}, .padding = {1, 0}},
    {.window = {2, 2}, .stride = {1, 2}, .padding = {1, 1}},
    {.window = {1, 1}, .stride = {2, 2}},
};

std::string named(const std::string& name, const PoolOptions& o) {
    return fmt::format("{} {} x {} padding {} {}", name, o.window[0], o.window[1], o.padding[0], o.padding[1]);
}

}  // namespace

TEST_CASE("max_pool") {
    SUBCASE("agrees with its definition") {
        for (const PoolOptions& o : all_options) {
            check_operator(named("max_pool", o), [=](const Tensors& x) { return max_pool(x[0], o); },
                           {{.shape = {2, 3, 6, 7}}}, {.result = {.ulps = 0}});
        }
        for (const PoolOptions& o : all_options) {
            check_operator(named("max_pool of blocks of channels,", o),
                           [=](const Tensors& x) { return max_pool(x[0], o); }, {{.shape = {1, 2, 4, 5, 16}}},
                           {.result = {.ulps = 0}});
        }
        check_operator("max_pool of many planes", [](const Tensors& x) { return max_pool(x[0]); },
                       {{.shape = {8, 20, 24, 24}}}, {.result = {.ulps = 0}, .gradient = false});
        check_operator("max_pool of no images", [](const Tensors& x) { return max_pool(x[0]); },
                       {{.shape = {0, 3, 6, 7}}}, {.result = {.ulps = 0}});
    }
    SUBCASE("gives the gradient to the first of equal values") {
        Tensor x = given({1, 1, 2, 2}, {1, 3, 3, 3});
        CHECK(computed(grad(sum(max_pool(x)), {x})[0].gradient) == std::vector<float>{0, 1, 0, 0});
    }
    SUBCASE("lets NaN through") {
        for (const PoolOptions& o : {PoolOptions{}, PoolOptions{.window = {2, 2}, .stride = {1, 1}}}) {
            CHECK(std::isnan(computed(max_pool(given({1, 1, 2, 2}, {1, std::nanf(""), 2, 3}), o))[0]));
        }
    }
    SUBCASE("refuses what does not fit") {
        CHECK_THROWS_WITH_AS(max_pool(input("x", {1, 1, 1, 4})),
                             "max_pool: a window of 2 x 2 does not fit into x [1, 1, 1, 4] with this padding",
                             ShapeError);
        CHECK_THROWS_WITH_AS(max_pool(input("x", {1, 1, 4, 4}), {.padding = {2, 0}}),
                             "max_pool: window and stride must be at least 1, padding between 0 and half the window",
                             ShapeError);
        CHECK_THROWS_WITH_AS(max_pool(input("x", {4, 4})),
                             "max_pool: x has shape [4, 4]; it needs four axes (images, channels, rows, columns)",
                             ShapeError);
    }
    SUBCASE("refuses a plane without rows, which padding alone would fill") {
        CHECK_THROWS_AS(max_pool(input("x", {1, 1, 0, 4}), {.padding = {1, 1}}), ShapeError);
    }
}

TEST_CASE("average_pool") {
    for (const PoolOptions& o : all_options) {
        check_operator(named("average_pool", o), [=](const Tensors& x) { return average_pool(x[0], o); },
                       {{.shape = {2, 3, 6, 7}}}, {.result = {.ulps = 4, .floor = 1}});
    }
    SUBCASE("its gradient is an operator with a gradient") {
        check_operator("second order of average_pool",
                       [](const Tensors& x) {
                           Tensor y = average_pool(x[0], {.window = {3, 3}, .stride = {2, 2}, .padding = {1, 1}});
                           return grad(sum(y * y * y), {x[0]})[0].gradient;
                       },
                       {{.shape = {1, 2, 5, 5}}}, {.result = {.ulps = 16, .floor = 1}});
    }
}

TEST_CASE("pooling over whole planes") {
    check_operator("global_average_pool", [](const Tensors& x) { return global_average_pool(x[0]); },
                   {{.shape = {2, 3, 4, 5}}}, {.result = {.ulps = 4, .floor = 1}});
    check_operator("global_max_pool", [](const Tensors& x) { return global_max_pool(x[0]); }, {{.shape = {2, 3, 4, 5}}},
                   {.result = {.ulps = 0}});
}
