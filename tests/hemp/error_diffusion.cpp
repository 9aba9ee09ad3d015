// Rounding that hands its errors on to the neighbours in an image.

#include "hemp/error_diffusion.h"

#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

namespace {

std::vector<float> random_values(size_t count, double magnitude) {
    Array array = random_array(
        {.shape = {static_cast<int64_t>(count)}, .dtype = DType::f32, .low = -magnitude, .high = magnitude}, 11);
    return {array.values<float>().begin(), array.values<float>().end()};
}

/// How far images of integers are from the values, seen through a picture that changes slowly.
double error_behind_a_picture(const std::vector<float>& values, float step, const Grid& seen, const Grid& grid) {
    std::vector<int32_t> rounded = diffused(values, step, grid);
    double               total   = 0;
    for (size_t first = 0; first < values.size(); first += static_cast<size_t>(seen.area())) {
        double sum = 0;
        for (int64_t i = 0; i < seen.area(); ++i) {
            auto   row = static_cast<double>(i / seen.width), column = static_cast<double>(i % seen.width);
            double pixel = 1 + std::sin(row / 5) * std::cos(column / 7);
            size_t at    = first + static_cast<size_t>(i);
            sum += pixel * static_cast<double>(values[at] - static_cast<float>(rounded[at]) * step);
        }
        total += sum * sum;
    }
    return std::sqrt(total);
}

}  // namespace

TEST_CASE("on a grid of one place, diffusion is rounding") {
    std::vector<float> values = random_values(1000, 4);
    for (size_t i = 0; i < values.size(); ++i) {
        CHECK(diffused(values, 0.5f, {})[i] == std::lrint(values[i] / 0.5f));
    }
}

TEST_CASE("errors go to the right, and to the three below") {
    // 0.4 is lost at first; 7/16 of it make the second 0.575, the third gets its 3/16 and 5/16 of what was lost.
    CHECK(diffused(std::vector<float>{0.4f, 0.4f, 0.4f, 0.4f}, 1, {2, 2}) == std::vector<int32_t>{0, 1, 0, 0});
    CHECK(diffused(std::vector<float>{0.3f, 0.9f, 0.3f, 0.9f}, 1, {1, 4}) == std::vector<int32_t>{0, 1, 0, 1});
    CHECK(diffused(std::vector<float>{0.45f, 0.45f, 0.45f, 0.45f}, 1, {4, 1}) == std::vector<int32_t>{0, 1, 0, 1});
}

TEST_CASE("nothing leaves an image") {
    std::vector<float> one = random_values(35, 3), two = one;
    two.insert(two.end(), one.begin(), one.end());
    std::vector<int32_t> first = diffused(one, 0.7f, {5, 7}), both = diffused(two, 0.7f, {5, 7});
    CHECK(std::vector<int32_t>(both.begin() + 35, both.end()) == first);
}

TEST_CASE("behind a picture that changes slowly, errors are a fraction of those of rounding") {
    std::vector<float> values = random_values(50 * 28 * 28, 1);
    for (float step : {0.25f, 1.0f}) {
        double plain = error_behind_a_picture(values, step, {28, 28}, {});
        CHECK(error_behind_a_picture(values, step, {28, 28}, {28, 28}) < plain / 3);
    }
}
