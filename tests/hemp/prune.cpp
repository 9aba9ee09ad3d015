#include "hemp/prune.h"

#include "tests/arrays.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

namespace {

Array array(const std::vector<float>& values) { return Array(Shape{static_cast<int64_t>(values.size())}, values); }

}  // namespace

TEST_CASE("magnitude_mask") {
    Array weights = array({0.5f, -0.1f, 2, -3, 0.1f});
    SUBCASE("prunes the smallest magnitudes, of equal ones the first") {
        CHECK(floats_of(magnitude_mask(weights, 0.2)) == std::vector<float>{1, 0, 1, 1, 1});
        CHECK(floats_of(magnitude_mask(weights, 0.6)) == std::vector<float>{0, 0, 1, 1, 0});
    }
    SUBCASE("prunes nothing at 0, all at 1") {
        CHECK(floats_of(magnitude_mask(weights, 0)) == std::vector<float>(5, 1.0f));
        CHECK(floats_of(magnitude_mask(weights, 1)) == std::vector<float>(5, 0.0f));
    }
    SUBCASE("refuses other sparsities, and NaN by its place") {
        CHECK_THROWS_AS(magnitude_mask(weights, 1.1), UsageError);
        CHECK_THROWS_AS(magnitude_mask(weights, NAN), UsageError);
        CHECK_THROWS_WITH_AS(magnitude_mask(array({1, NAN}), 0.5),
                             "magnitude_mask: weight 1 is NaN; look for what broke it in training", Error);
    }
}

TEST_CASE("threshold_mask keeps magnitudes from the threshold on") {
    CHECK(floats_of(threshold_mask(array({0.5f, -0.4f, -0.5f, 0, NAN}), 0.5f)) == std::vector<float>{1, 0, 1, 0, 0});
}

TEST_CASE("sensitivity-driven pruning") {
    SUBCASE("insensitivity is 1 without a gradient and 0 at the largest") {
        CHECK(computed(insensitivity(given({3}, {0, -2, 1}))) == std::vector<float>{1, 0, 0.5f});
        CHECK(computed(insensitivity(given({2}, {0, 0}))) == std::vector<float>{1, 1});
    }
    SUBCASE("the threshold is the largest that costs no more than tolerated") {
        auto loss = [](float threshold) { return 1.0 + threshold * threshold; };
        CHECK(tolerated_threshold(loss, 4, 0.25) == doctest::Approx(0.5).epsilon(0.01));
        CHECK(loss(tolerated_threshold(loss, 4, 0.25)) <= 1.25);
        CHECK(tolerated_threshold(loss, 0.25f, 0.25) == 0.25f);
    }
}
