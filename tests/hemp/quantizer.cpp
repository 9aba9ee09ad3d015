#include "hemp/quantizer.h"

#include "core/error.h"
#include "core/random.h"
#include "tests/instruction_sets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace hemp;

namespace {

std::vector<float> gaussian(size_t size, float mean = 0, float deviation = 1) {
    Random             random(1, 2);
    std::vector<float> weights;
    for (size_t i = 0; i < size; ++i) {
        weights.push_back(mean + deviation * random.normal(i));
    }
    return weights;
}

double error_of(const std::vector<float>& weights, const std::vector<float>& levels) {
    double error = 0;
    for (float w : weights) {
        double least = std::numeric_limits<double>::infinity();
        for (float level : levels) {
            least = std::min(least, (double{w} - level) * (double{w} - level));
        }
        error += least;
    }
    return error;
}

bool strictly_increasing(const std::vector<float>& levels) {
    return std::adjacent_find(levels.begin(), levels.end(), std::greater_equal<>()) == levels.end();
}

// The least error of all quantizers, by dynamic programming over where the sorted weights are cut.
double least_error(std::vector<float> weights, int levels) {
    std::sort(weights.begin(), weights.end());
    size_t                           size = weights.size();
    std::vector<std::vector<double>> best(static_cast<size_t>(levels) + 1, std::vector<double>(size + 1, 1e300));
    best[0][0] = 0;
    for (size_t level = 1; level < best.size(); ++level) {
        for (size_t end = 0; end <= size; ++end) {
            best[level][end] = best[level - 1][end];
            double sum       = 0;
            double squares   = 0;
            for (size_t begin = end; begin-- > 0;) {
                sum += weights[begin];
                squares += double{weights[begin]} * weights[begin];
                double cell      = squares - sum * sum / static_cast<double>(end - begin);
                best[level][end] = std::min(best[level][end], best[level - 1][begin] + cell);
            }
        }
    }
    return best.back()[size];
}

}  // namespace

TEST_CASE("lloyd_max") {
    SUBCASE("finds separate clusters exactly") {
        std::vector<float> weights{-3, -3.5f, -2.5f, 0.25f, 0.75f, 10, 12};
        CHECK(lloyd_max(weights, 3).levels == std::vector<float>{-3, 0.5f, 11});
    }
    SUBCASE("comes near to the best quantizer there is, and never below it") {
        std::vector<float> weights = gaussian(300);
        for (int levels : {2, 3, 4, 7}) {
            double error = error_of(weights, lloyd_max(weights, levels).levels);
            double least = least_error(weights, levels);
            CHECK(error >= least * (1 - 1e-6));
            CHECK(error <= least * 1.1);
        }
    }
    SUBCASE("ends with every level at the mean of its weights") {
        std::vector<float>   weights = gaussian(5000);
        std::vector<float>   levels  = lloyd_max(weights, 16).levels;
        std::vector<uint8_t> symbol  = symbols(weights, levels);
        std::vector<double>  sum(16);
        std::vector<double>  count(16);
        for (size_t i = 0; i < weights.size(); ++i) {
            sum[symbol[i]] += weights[i];
            count[symbol[i]] += 1;
        }
        for (size_t level = 0; level < 16; ++level) {
            CHECK(levels[level] == doctest::Approx(sum[level] / count[level]).epsilon(1e-3));
        }
    }
    SUBCASE("keeps a level at zero where asked") {
        for (float mean : {0.3f, -2.0f, 5.0f}) {
            std::vector<float> levels = lloyd_max(gaussian(1000, mean), 4, {.zero = true}).levels;
            CHECK(std::count(levels.begin(), levels.end(), 0.0f) == 1);
            CHECK(strictly_increasing(levels));
        }
    }
    SUBCASE("gives as many levels as asked for where there are fewer different weights") {
        std::vector<float> weights{1, 1, 1, 2, 2};
        std::vector<float> levels = lloyd_max(weights, 16).levels;
        CHECK(levels.size() == 16);
        CHECK(strictly_increasing(levels));
        CHECK(error_of(weights, levels) == 0);
    }
}

TEST_CASE("lloyd_max_gaussian") {
    SUBCASE("agrees with the tables of Max (1960)") {
        // A sample with mean 0 and variance 1 exactly.
        std::vector<float> weights{-1, 1};
        auto               upper = [&](int levels, int i) {
            return lloyd_max_gaussian(weights, levels).levels[static_cast<size_t>(levels / 2 + i)];
        };
        CHECK(upper(2, 0) == doctest::Approx(0.7980).epsilon(2e-4));
        CHECK(upper(3, 1) == doctest::Approx(1.224).epsilon(2e-4));
        CHECK(upper(4, 0) == doctest::Approx(0.4528).epsilon(2e-4));
        CHECK(upper(4, 1) == doctest::Approx(1.510).epsilon(5e-4));
        CHECK(upper(8, 0) == doctest::Approx(0.2451).epsilon(3e-4));
        CHECK(upper(8, 3) == doctest::Approx(2.152).epsilon(3e-4));
    }
    SUBCASE("is scaled to the weights' mean and deviation, and symmetric") {
        std::vector<float> levels = lloyd_max_gaussian(std::vector<float>{8, 12}, 4).levels;
        CHECK(levels[0] == doctest::Approx(10 - 2 * 1.510).epsilon(1e-3));
        CHECK(levels[0] + levels[3] == doctest::Approx(20));
    }
    SUBCASE("an odd number has a level at the mean") {
        CHECK(lloyd_max_gaussian(std::vector<float>{-1, 1}, 5).levels[2] == 0);
    }
    SUBCASE("has nearly the least error on a large Gaussian sample, for 256 levels too") {
        std::vector<float> weights = gaussian(20000);
        for (int levels : {4, 256}) {
            std::vector<float> fitted = lloyd_max_gaussian(weights, levels).levels;
            CHECK(strictly_increasing(fitted));
            CHECK(error_of(weights, fitted) <
                  1.05 * error_of(weights, uniform_mid_rise(weights, levels, {.deviations = 6.0 / levels}).levels));
        }
    }
}

TEST_CASE("uniform quantizers") {
    std::vector<float> weights{-4, 1, 2};
    SUBCASE("mid-rise: zero is a threshold, cells cover the range") {
        CHECK(uniform_mid_rise(weights, 4).levels == std::vector<float>{-3, -1, 1, 3});
    }
    SUBCASE("mid-tread: a level is at exactly zero") {
        CHECK(uniform_mid_tread(weights, 4).levels == std::vector<float>{-4, -2, 0, 2});
        CHECK(uniform_mid_tread(gaussian(100), 7).levels[3] == 0);
    }
    SUBCASE("the step may be given in standard deviations") {
        CHECK(uniform_mid_tread(std::vector<float>{-1, 1}, 3, {.deviations = 2}).levels ==
              std::vector<float>{-2, 0, 2});
    }
    SUBCASE("mid-rise refuses an odd number of levels") {
        CHECK_THROWS_WITH_AS(
            uniform_mid_rise(weights, 3),
            "uniform_mid_rise: 3 levels asked for; an odd number has a level at zero, use the mid-tread one",
            UsageError);
    }
}

TEST_CASE("levels from other schemes") {
    SUBCASE("given ones are sorted") { CHECK(given_levels({2, -1, 0}).levels == std::vector<float>{-1, 0, 2}); }
    SUBCASE("given twice is refused") { CHECK_THROWS_AS(given_levels({2, 1, 2}), UsageError); }
    SUBCASE("given NaN is refused") { CHECK_THROWS_AS(given_levels({0, NAN}), UsageError); }
    SUBCASE("ternary: the scale is the mean of what lies beyond 0.7 mean magnitudes") {
        // mean |w| = 2, threshold 1.4
        CHECK(ternary(std::vector<float>{0.5f, -1, 3, -3.5f}).levels == std::vector<float>{-3.25f, 0, 3.25f});
    }
    SUBCASE("powers of two, the largest by the rule of INQ") {
        CHECK(power_of_two(std::vector<float>{0.8f, -0.1f}, 5).levels == std::vector<float>{-1, -0.5f, 0, 0.5f, 1});
        CHECK(power_of_two(std::vector<float>{0.7f, -0.1f}, 4).levels ==
              std::vector<float>{-0.5f, -0.25f, 0.25f, 0.5f});
    }
}

TEST_CASE("every quantizer") {
    auto make = [](int kind, const std::vector<float>& weights, int levels) {
        switch (kind) {
            case 0: return lloyd_max(weights, levels);
            case 1: return lloyd_max(weights, levels, {.zero = true});
            case 2: return lloyd_max_gaussian(weights, levels);
            case 3: return uniform_mid_rise(weights, levels);
            case 4: return uniform_mid_tread(weights, levels);
            case 5: return power_of_two(weights, levels);
            default: return ternary(weights);
        }
    };
    constexpr int kinds        = 7;
    constexpr int ternary_kind = 6;
    SUBCASE("makes the number of levels asked for, strictly increasing, of any weights") {
        std::vector<std::vector<float>> samples{
            gaussian(1000, 0, 0.05f),     gaussian(100, 3, 1e-6f),       {0.7f},
            std::vector<float>(50, 1.0f), std::vector<float>(50, -2.0f), std::vector<float>(50, 0.0f)};
        for (const auto& weights : samples) {
            for (int kind = 0; kind < kinds; ++kind) {
                for (int levels : {2, 4, 16, 256}) {
                    CAPTURE(kind);
                    CAPTURE(levels);
                    std::vector<float> made = make(kind, weights, levels).levels;
                    CHECK(made.size() == (kind == ternary_kind ? 3 : static_cast<size_t>(levels)));
                    CHECK(strictly_increasing(made));
                    CHECK(made == make(kind, weights, levels).levels);
                }
            }
        }
    }
    SUBCASE("of a constant tensor by Lloyd-Max reproduces it exactly") {
        for (float constant : {1.0f, -0.3f, 0.0f}) {
            std::vector<float> weights(1000, constant);
            for (int kind : {0, 1, 2}) {
                CHECK(nearest(weights, make(kind, weights, 4).levels) == weights);
            }
        }
    }
    SUBCASE("refuses NaN, infinity and no weights, by name and place") {
        for (int kind = 0; kind < kinds; ++kind) {
            CHECK_THROWS_AS(make(kind, {1, NAN}, 4), Error);
            CHECK_THROWS_AS(make(kind, {INFINITY, 1}, 4), Error);
            CHECK_THROWS_AS(make(kind, {}, 4), Error);
        }
        CHECK_THROWS_WITH_AS(lloyd_max(std::vector<float>{1, NAN}, 4),
                             "lloyd_max: weight 1 is nan; levels need finite weights, look for what broke them in "
                             "training",
                             Error);
    }
    SUBCASE("refuses fewer than 2 and more than 256 levels") {
        for (int kind = 0; kind < ternary_kind; ++kind) {
            CHECK_THROWS_AS(make(kind, {1, 2}, 1), UsageError);
            CHECK_THROWS_AS(make(kind, {1, 2}, 257), UsageError);
        }
    }
}

TEST_CASE("a weight on a level is on that level, however near the next one is") {
    for (float level : {1.0f, -1.0f, 0.1f, 1e-40f, -3e38f}) {
        CAPTURE(level);
        std::vector<float> levels{level};
        for (int i = 0; i < 20; ++i) {
            levels.push_back(std::nextafter(levels.back(), std::numeric_limits<float>::infinity()));
        }
        CHECK(nearest(levels, levels) == levels);
        levels.resize(2);  // fewer are found in another way
        CHECK(nearest(levels, levels) == levels);
    }
}

TEST_CASE("symbols") {
    SUBCASE("name the nearest level, halfway the lower") {
        std::vector<float> levels{-1, 0, 2};
        CHECK(symbols(std::vector<float>{-9, -0.5f, -0.4f, 0.9f, 1, 1.1f, 7}, levels) ==
              std::vector<uint8_t>{0, 0, 1, 1, 1, 2, 2});
        CHECK(nearest(std::vector<float>{-9, 0.5f, 1.5f}, levels) == std::vector<float>{-1, 0, 2});
    }
    SUBCASE("are the same for every number of levels, length and instruction set as by comparing with all levels") {
        for_each_instruction_set([&](InstructionSet) {
            for (int count : {2, 3, 16, 17, 100, 255, 256}) {
                for (size_t size : {1, 15, 16, 17, 1024, 1100}) {
                    std::vector<float>   weights = gaussian(size);
                    std::vector<float>   levels  = uniform_mid_tread(weights, count).levels;
                    std::vector<uint8_t> found   = symbols(weights, levels);
                    for (size_t i = 0; i < size; ++i) {
                        auto distance = [&](float a, float b) {
                            return std::fabs(double{a} - weights[i]) < std::fabs(double{b} - weights[i]);
                        };
                        auto expected = std::min_element(levels.begin(), levels.end(), distance) - levels.begin();
                        REQUIRE(found[i] == expected);
                    }
                }
            }
        });
    }
}
