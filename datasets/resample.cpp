#include "datasets/resample.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>

namespace hemp {
namespace {

/// How the new values along one axis are made of the old: value i is the sum over k of weight[k] * old[first + k], for
/// the weights from `begin` up to the next value's.
struct Mixes {
    struct Value {
        int64_t first;
        size_t  begin, end;
    };
    std::vector<Value> values;
    std::vector<float> weights;
};

/// `from` is the length of the whole axis, `start` and `length` are the part of it that becomes `to` values.
Mixes mixes(int64_t from, double start, double length, int64_t to) {
    Mixes  result;
    double scale = length / static_cast<double>(to);
    auto   last  = static_cast<double>(from - 1);
    for (int64_t i = 0; i < to; ++i) {
        size_t  begin = result.weights.size();
        int64_t first = 0;
        if (scale <= 1) {
            double position = std::clamp(start + (static_cast<double>(i) + 0.5) * scale - 0.5, 0.0, last);
            first           = std::clamp(static_cast<int64_t>(position), int64_t{0}, std::max<int64_t>(from - 2, 0));
            auto second     = static_cast<float>(position - static_cast<double>(first));
            result.weights.push_back(1 - second);
            if (from > 1) {
                result.weights.push_back(second);
            }
        } else {
            double low  = start + static_cast<double>(i) * scale;
            double high = std::min(low + scale, static_cast<double>(from));
            first       = std::min(static_cast<int64_t>(low), from - 1);
            for (int64_t k = first; k == first || static_cast<double>(k) < high; ++k) {
                double covered = std::min(high, static_cast<double>(k + 1)) - std::max(low, static_cast<double>(k));
                result.weights.push_back(static_cast<float>(covered / (high - low)));
            }
        }
        result.values.push_back({first, begin, result.weights.size()});
    }
    return result;
}

double as_double(int64_t number) { return static_cast<double>(number); }

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
    Mixes   rows    = mixes(from.height, std::max(box.top, 0.0), box.height, to.height);
    Mixes   columns = mixes(from.width, std::max(box.left, 0.0), box.width, to.width);
    int64_t left    = columns.values.front().first;
    int64_t right   = left;
    for (const Mixes::Value& column : columns.values) {
        right = std::max(right, column.first + static_cast<int64_t>(column.end - column.begin));
    }
    std::vector<float> line(static_cast<size_t>(right - left));
    for (int64_t channel = 0; channel < from.channels; ++channel) {
        for (int64_t y = 0; y < to.height; ++y) {
            const Mixes::Value& row = rows.values[static_cast<size_t>(y)];
            std::ranges::fill(line, 0.0f);
            for (size_t k = row.begin; k < row.end; ++k) {
                const uint8_t* old    = from.row(channel, row.first + static_cast<int64_t>(k - row.begin)) + left;
                float          weight = rows.weights[k];
                for (size_t x = 0; x < line.size(); ++x) {
                    line[x] += weight * static_cast<float>(old[x]);
                }
            }
            uint8_t* target = to.row(channel, y);
            for (const Mixes::Value& column : columns.values) {
                const float* values = line.data() + (column.first - left);
                float        value  = 0;
                for (size_t k = column.begin; k < column.end; ++k) {
                    value += columns.weights[k] * values[k - column.begin];
                }
                *target++ = static_cast<uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f));
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
