#include "layers/initialize.h"

#include "tests/arrays.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace hemp;

namespace {

struct Statistics {
    double mean, deviation, largest;
};

Statistics statistics(const Array& array) {
    double sum = 0, squares = 0, largest = 0;
    for (double x : array.values<float>()) {
        sum += x;
        squares += x * x;
        largest = std::max(largest, std::abs(x));
    }
    double count = static_cast<double>(array.size());
    return {sum / count, std::sqrt(squares / count - sum / count * (sum / count)), largest};
}

}  // namespace

// With 100,000 values a mean is off by about 0.003 deviations, a deviation by 0.3 %: the bounds are four times that.
TEST_CASE("first values of weights") {
    const Shape linear{200, 500}, conv{100, 40, 5, 5};

    SUBCASE("kaiming_normal has deviation sqrt(2 / fan_in)") {
        Statistics s = statistics(kaiming_normal(linear, {1, "w"}));
        CHECK(std::abs(s.mean) < 0.013 * s.deviation);
        CHECK(s.deviation == doctest::Approx(std::sqrt(2.0 / 500)).epsilon(0.013));
        CHECK(s.largest > 3.5 * s.deviation);  // no uniform distribution
    }
    SUBCASE("the fan-in of a convolution is channels times kernel area") {
        CHECK(statistics(kaiming_normal(conv, {1, "w"})).deviation ==
              doctest::Approx(std::sqrt(2.0 / 1000)).epsilon(0.013));
    }
    SUBCASE("kaiming_uniform fills +-sqrt(1 / fan_in)") {
        Statistics s     = statistics(kaiming_uniform(linear, {1, "w"}));
        double     bound = std::sqrt(1.0 / 500);
        CHECK(std::abs(s.mean) < 0.013 * s.deviation);
        CHECK(s.deviation == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.013));
        CHECK(s.largest <= bound * (1 + 1e-6));
        CHECK(s.largest > 0.999 * bound);
    }
    SUBCASE("xavier_uniform fills +-sqrt(6 / (fan_in + fan_out))") {
        Statistics s     = statistics(xavier_uniform(linear, {1, "w"}));
        double     bound = std::sqrt(6.0 / 700);
        CHECK(s.largest <= bound * (1 + 1e-6));
        CHECK(s.largest > 0.999 * bound);
    }
    SUBCASE("are a function of seed and name") {
        Array w = kaiming_normal(linear, {1, "fc1.weight"});
        CHECK(same_bits(w, kaiming_normal(linear, {1, "fc1.weight"})));
        CHECK_FALSE(same_bits(w, kaiming_normal(linear, {2, "fc1.weight"})));
        CHECK_FALSE(same_bits(w, kaiming_normal(linear, {1, "fc2.weight"})));
    }
    SUBCASE("of a shape without inputs are refused") {
        CHECK_THROWS_WITH_AS(kaiming_normal({3}, {1, "b"}),
                             "initialize: shape [3] has no inputs; it needs at least two axes", ShapeError);
    }
}
