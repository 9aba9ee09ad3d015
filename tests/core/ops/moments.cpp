#include "core/ops/moments.h"

#include "tests/harness.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

constexpr CheckOptions as_sums{.result = {.ulps = 16, .floor = 2}};

}  // namespace

TEST_CASE("moments") {
    SUBCASE("agree with their definition, and so does their gradient") {
        for (Shape x : {Shape{7, 3}, Shape{1, 2}, Shape{4, 3, 2, 5}, Shape{2, 5, 9, 11}, Shape{300, 2, 1, 1}}) {
            check_operator(
                "moments", [](const Tensors& t) { return moments(t[0]); }, {{.shape = x}}, as_sums);
        }
    }
    SUBCASE("of blocks leave out what fills the last one up") {
        for (int64_t channels : {32, 20}) {
            for (Shape x : {Shape{3, 2, 5, 7, 16}, Shape{2, 2, 9, 15, 16}, Shape{130, 2, 1, 1, 16}}) {
                check_operator(
                    "moments of blocks", [=](const Tensors& t) { return moments(t[0], channels); }, {{.shape = x}},
                    as_sums);
            }
        }
    }
    SUBCASE("keep their digits when the mean is large beside the spread") {
        std::vector<float> x(16 * 200), y(200);
        for (size_t i = 0; i < 200; ++i) {
            y[i] = 100000 + static_cast<float>(i % 4);
            std::fill_n(x.begin() + static_cast<int64_t>(i) * 16, 16, y[i]);
        }
        CHECK(computed(moments(given({1, 1, 10, 20, 16}, x), 16))[16] == doctest::Approx(1.25).epsilon(1e-3));
        CHECK(computed(moments(given({200, 1}, y)))[1] == doctest::Approx(1.25).epsilon(1e-6));
    }
    SUBCASE("refuse what has no channels") {
        CHECK_THROWS_WITH_AS(moments(input("x", {3, 4, 5})),
                             "moments: x is f32 [3, 4, 5]; it needs two axes (batch, channels) or four (images, "
                             "channels, rows, columns) of f32",
                             ShapeError);
        CHECK_THROWS_WITH_AS(moments(input("x", {0, 3})), "moments: x f32 [0, 3] is empty, and nothing has no mean",
                             ShapeError);
    }
}
