#include "hemp/error_diffusion.h"

#include <cmath>

namespace hemp {

std::vector<int32_t> diffused(std::span<const float> values, float step, const Grid& grid) {
    std::vector<int32_t> result;
    std::vector<float>   image(static_cast<size_t>(grid.area()));
    auto                 at = [&](int64_t row, int64_t column) -> float& {
        return image[static_cast<size_t>(row * grid.width + column)];
    };
    result.reserve(values.size());
    for (size_t first = 0; first < values.size(); first += image.size()) {
        for (size_t i = 0; i < image.size(); ++i) {
            image[i] = values[first + i] / step;
        }
        for (int64_t row = 0; row < grid.height; ++row) {
            for (int64_t column = 0; column < grid.width; ++column) {
                float rounded = std::rint(at(row, column));
                float error   = at(row, column) - rounded;
                result.push_back(static_cast<int32_t>(rounded));
                auto give = [&](int64_t down, int64_t right, float share) {
                    if (row + down < grid.height && column + right >= 0 && column + right < grid.width) {
                        at(row + down, column + right) += share * error;
                    }
                };
                give(0, 1, 7.0f / 16);
                give(1, -1, 3.0f / 16);
                give(1, 0, 5.0f / 16);
                give(1, 1, 1.0f / 16);
            }
        }
    }
    return result;
}

}  // namespace hemp
