#include "datasets/resample.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hemp {
namespace {

/// How the new values along one axis are made of the old: value i is the sum over k < taps of
/// weights[k * count + i] * old[first[i] + k]. All values have the same number of weights, those not needed are 0, and
/// what they belong to may lie behind the end.
struct Mixes {
    size_t               taps = 0;
    std::vector<int64_t> first;
    std::vector<float>   weights;

    float weight(size_t tap, size_t value) const { return weights[tap * first.size() + value]; }
};

/// `from` is the length of the whole axis, `start` and `length` are the part of it that becomes `to` values.
Mixes mixes(int64_t from, double start, double length, int64_t to) {
    double scale = length / static_cast<double>(to);
    auto   count = static_cast<size_t>(to);
    // An interval of that length reaches into at most so many pixels.
    Mixes result{.taps = scale <= 1 ? 2 : static_cast<size_t>(std::ceil(scale)) + 1, .first = {}, .weights = {}};
    result.weights.resize(result.taps * count);
    auto last = static_cast<double>(from - 1);
    for (size_t i = 0; i < count; ++i) {
        int64_t first = 0;
        if (scale <= 1) {
            double position   = std::clamp(start + (static_cast<double>(i) + 0.5) * scale - 0.5, 0.0, last);
            first             = std::clamp(static_cast<int64_t>(position), int64_t{0}, std::max<int64_t>(from - 2, 0));
            auto second       = static_cast<float>(position - static_cast<double>(first));
            result.weights[i] = 1 - second;
            result.weights[count + i] = second;
        } else {
            double low  = start + static_cast<double>(i) * scale;
            double high = std::min(low + scale, static_cast<double>(from));
            first       = std::min(static_cast<int64_t>(low), from - 1);
            for (size_t k = 0; k < result.taps; ++k) {
                auto   pixel                  = static_cast<double>(first + static_cast<int64_t>(k));
                double covered                = std::min(high, pixel + 1) - std::max(low, pixel);
                result.weights[k * count + i] = static_cast<float>(std::max(covered, 0.0) / (high - low));
            }
        }
        result.first.push_back(first);
    }
    return result;
}

// Plain pointers: checks of each index would double the time.

void add_scaled(const uint8_t* old, size_t count, float weight, float* __restrict line) {
    for (size_t x = 0; x < count; ++x) {
        line[x] += weight * static_cast<float>(old[x]);
    }
}

void add_gathered(const float* values, const int64_t* first, const float* weights, size_t count,
                  float* __restrict result) {
    for (size_t x = 0; x < count; ++x) {
        result[x] += weights[x] * values[first[x]];
    }
}

double as_double(int64_t number) { return static_cast<double>(number); }

bool is_copy(const Box& box, Image to) {
    return box.height == as_double(to.height) && box.width == as_double(to.width) && box.top == std::floor(box.top) &&
           box.left == std::floor(box.left);
}

/// Rounding may leave a box beyond the image by less than this.
constexpr double slack = 1e-6;

}  // namespace

void resample(ConstImage from, const Box& box, Image to) {
    bool inside = box.top >= -slack && box.left >= -slack && box.height > 0 && box.width > 0 &&
                  box.top + box.height <= as_double(from.height) + slack &&
                  box.left + box.width <= as_double(from.width) + slack;
    expect(inside && from.channels == to.channels,
           "resample: [{}, {}, {}] has no part of {} x {} at ({}, {}) to fill {} channels with", from.channels,
           from.height, from.width, box.height, box.width, box.top, box.left, to.channels);
    if (is_copy(box, to)) {
        auto top  = static_cast<int64_t>(box.top);
        auto left = static_cast<int64_t>(box.left);
        for (int64_t channel = 0; channel < to.channels; ++channel) {
            for (int64_t y = 0; y < to.height; ++y) {
                std::memcpy(to.row(channel, y), from.row(channel, top + y) + left, static_cast<size_t>(to.width));
            }
        }
        return;
    }
    const Mixes rows    = mixes(from.height, std::max(box.top, 0.0), box.height, to.height);
    Mixes       columns = mixes(from.width, std::max(box.left, 0.0), box.width, to.width);
    // Only this part of each row is needed.
    const int64_t left  = columns.first.front();
    const int64_t right = std::min(columns.first.back() + static_cast<int64_t>(columns.taps), from.width);
    const auto    width = static_cast<size_t>(right - left);
    const auto    count = static_cast<size_t>(to.width);
    for (int64_t& first : columns.first) {
        first -= left;
    }
    std::vector<float> line(width + columns.taps);  // behind its end lie zeros for weights of 0
    std::vector<float> result(count);
    for (int64_t channel = 0; channel < from.channels; ++channel) {
        for (int64_t y = 0; y < to.height; ++y) {
            auto row = static_cast<size_t>(y);
            std::fill_n(line.begin(), width, 0.0f);
            for (size_t k = 0; k < rows.taps; ++k) {
                if (rows.weight(k, row) != 0) {
                    add_scaled(from.row(channel, rows.first[row] + static_cast<int64_t>(k)) + left, width,
                               rows.weight(k, row), line.data());
                }
            }
            std::ranges::fill(result, 0.5f);  // to round to the nearest
            for (size_t k = 0; k < columns.taps; ++k) {
                add_gathered(line.data() + k, columns.first.data(), columns.weights.data() + k * count, count,
                             result.data());
            }
            uint8_t* target = to.row(channel, y);
            for (float value : result) {
                *target++ = static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f));
            }
        }
    }
}

Box centre_box(ConstImage image, int64_t height, int64_t width) {
    double scale = std::min(as_double(image.height) / as_double(height), as_double(image.width) / as_double(width));
    Box    box{0, 0, scale * as_double(height), scale * as_double(width)};
    box.top  = (as_double(image.height) - box.height) / 2;
    box.left = (as_double(image.width) - box.width) / 2;
    return box;
}

Box evaluation_box(ConstImage image, int64_t height, int64_t width) {
    Box  box     = centre_box(image, height, width);
    bool shrinks = box.height > as_double(height);
    if (!shrinks) {
        return box;
    }
    // An image only a little larger is cut out as it is.
    double share = std::max(as_double(height) / as_double(side_before_crop(height)), as_double(height) / box.height);
    double down  = box.height * (1 - share) / 2;
    double right = box.width * (1 - share) / 2;
    return {box.top + down, box.left + right, box.height * share, box.width * share};
}

int64_t side_before_crop(int64_t side) { return (side * 8 + 3) / 7; }

}  // namespace hemp
