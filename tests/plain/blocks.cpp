#include "tests/plain/plain.h"

#include <algorithm>

// The plain version of an operator on blocks of channels is that of the usual operator between copies: first out of the
// blocks, then back into them.
namespace hemp::plain {
namespace {

constexpr int64_t lanes = 16;

int64_t element_in_blocks(int64_t element, const Shape& planes) {
    Index   at     = index_at(element, planes);
    int64_t blocks = (planes[1] + lanes - 1) / lanes;
    return element_at({at[0], at[1] / lanes, at[2], at[3], at[1] % lanes},
                      {planes[0], blocks, planes[2], planes[3], lanes});
}

Values unblocked(const Values& x, int64_t channels) {
    if (x.shape.rank() == 4) {
        return x;
    }
    Values y(Shape{x.shape[0], channels, x.shape[2], x.shape[3]});
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        y[i] = x[element_in_blocks(i, y.shape)];
    }
    return y;
}

Values blocked(const Values& x) {
    Values y(Shape{x.shape[0], (x.shape[1] + lanes - 1) / lanes, x.shape[2], x.shape[3], lanes});
    for (int64_t i = 0; i < x.shape.size(); ++i) {
        y[element_in_blocks(i, x.shape)] = x[i];
    }
    return y;
}

Values block_channels(const Node&, const Operands& in) { return blocked(in[0]); }

Values unblock_channels(const Node& node, const Operands& in) { return unblocked(in[0], node.type.shape[1]); }

/// The usual operator's version for a node whose result has another shape.
Values as_usual(const char* name, const Node& node, const Shape& result, const Operands& in) {
    Node usual = node;
    usual.type = {result};
    return table().at(name)(usual, in);
}

Values conv2d_blocked(const Node& node, const Operands& in) {
    const Shape& y = node.type.shape;
    return blocked(
        as_usual("conv2d", node, {y[0], in[1].shape[0], y[2], y[3]}, {unblocked(in[0], in[1].shape[1]), in[1]}));
}

Values conv2d_blocked_data_gradient(const Node& node, const Operands& in) {
    return blocked(
        as_usual("conv2d_data_gradient", node, Shape(node.integers("x")), {unblocked(in[0], in[1].shape[0]), in[1]}));
}

Values conv2d_blocked_weight_gradient(const Node& node, const Operands& in) {
    const Shape& weight = node.type.shape;
    return as_usual("conv2d_weight_gradient", node, weight, {unblocked(in[0], weight[0]), unblocked(in[1], weight[1])});
}

Values depthwise_blocked(const Node& node, const Operands& in) {
    const Shape& y        = node.type.shape;
    int64_t      channels = in[1].shape[0];
    return blocked(as_usual("conv2d", node, {y[0], channels, y[2], y[3]}, {unblocked(in[0], channels), in[1]}));
}

Values depthwise_blocked_weight_gradient(const Node& node, const Operands& in) {
    int64_t channels = node.type.shape[0];
    return as_usual("conv2d_weight_gradient", node, node.type.shape,
                    {unblocked(in[0], channels), unblocked(in[1], channels)});
}

Values pack_filters(const Node& node, const Operands& in) {
    const Shape& weight = in[0].shape;
    Values       y(node.type.shape);
    for (int64_t i = 0; i < in[0].shape.size(); ++i) {
        Index   at             = index_at(i, weight);
        int64_t width          = y.shape[3];
        y[element_at({at[0] / lanes, at[1] / width, at[2] * weight[3] + at[3], at[1] % width, at[0] % lanes},
                     y.shape)] = in[0][i];
    }
    return y;
}

Values unpacked_filters(const Values& packed, const Shape& weight) {
    Values y(weight);
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        Index   at    = index_at(i, weight);
        int64_t width = packed.shape[3];
        y[i]          = packed[element_at(
                     {at[0] / lanes, at[1] / width, at[2] * weight[3] + at[3], at[1] % width, at[0] % lanes}, packed.shape)];
    }
    return y;
}

// A filter's taps are the coefficients of a polynomial, taken at 0, +-3/4, +-3/2 and infinity, each with a factor: one
// over the product of the differences to the other points.
constexpr double points[] = {0, 0.75, -0.75, 1.5, -1.5};

double factor_of_point(int64_t point) {
    if (point == 5) {
        return 1 / (0.75 * 0.75 * 0.75);  // as core/kernels/winograd_points.h divides it between the transforms
    }
    double product = 1;
    for (int64_t other = 0; other < 5; ++other) {
        product *= other == point ? 1 : points[point] - points[other];
    }
    return 1 / product;
}

double weight_of_tap(int64_t point, int64_t tap) {
    double power = point == 5 ? (tap == 2 ? 1 : 0)
                   : tap == 0 ? 1
                   : tap == 1 ? points[point]
                              : points[point] * points[point];
    return factor_of_point(point) * power;
}

int64_t place_at_point(int64_t filter, int64_t channel, int64_t channels) {
    return (filter / lanes * channels + channel) * lanes + filter % lanes;
}

Values winograd_filters(const Node& node, const Operands& in) {
    const Shape& weight = in[0].shape;
    Values       y(node.type.shape);
    for (int64_t i = 0; i < weight.size(); ++i) {
        Index at = index_at(i, weight);
        for (int64_t point = 0; point < 36; ++point) {
            y[point * y.shape[1] + place_at_point(at[0], at[1], weight[1])] +=
                weight_of_tap(point / 6, at[2]) * weight_of_tap(point % 6, at[3]) * in[0][i];
        }
    }
    return y;
}

/// What the value at point 0, the slope between +-3/4 and the value at infinity say of tap `tap`, from six values.
double tap_from_points(const std::array<double, 6>& u, int64_t tap) {
    return tap == 0   ? u[0] / factor_of_point(0)
           : tap == 1 ? (u[1] / factor_of_point(1) - u[2] / factor_of_point(2)) / (2 * points[1])
                      : u[5] / factor_of_point(5);
}

Values filters_from_points(const Values& u, const Shape& weight) {
    Values y(weight);
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        Index                 at = index_at(i, weight);
        std::array<double, 6> rows{};
        for (int64_t row = 0; row < 6; ++row) {
            std::array<double, 6> columns{};
            for (int64_t column = 0; column < 6; ++column) {
                columns[static_cast<size_t>(column)] =
                    u[(row * 6 + column) * u.shape[1] + place_at_point(at[0], at[1], weight[1])];
            }
            rows[static_cast<size_t>(row)] = tap_from_points(columns, at[3]);
        }
        y[i] = tap_from_points(rows, at[2]);
    }
    return y;
}

/// y = min(max(y + bias + addend, low), high)
Values finished(const Node& node, const Operands& in, Values y) {
    const bool   biased = node.integer("bias") != 0, summed = node.integer("addend") != 0;
    const double low = node.real("low"), high = node.real("high");
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        if (biased) {
            Index at = index_at(i, y.shape);
            y[i] += in[2][at[1] * lanes + at[4]];
        }
        if (summed) {
            y[i] += in.back()[i];
        }
        y[i] = std::min(std::max(y[i], low), high);
    }
    return y;
}

Values conv2d_finished(const Node& node, const Operands& in) {
    Shape weight(node.integers("weight"));
    bool  at_points = in[1].shape.rank() == 2;
    return finished(node, in,
                    conv2d_blocked(node, {in[0], at_points ? filters_from_points(in[1], weight)
                                                           : unpacked_filters(in[1], weight)}));
}

Values depthwise_finished(const Node& node, const Operands& in) {
    return finished(node, in,
                    depthwise_blocked(node, {in[0], unpacked_filters(in[1], Shape(node.integers("weight")))}));
}

/// conv2d_finished, then depthwise_finished.
Values expanded_depthwise(const Node& node, const Operands& in) {
    Node expanding                 = node;
    expanding.attributes["stride"] = expanding.attributes["dilation"] = std::vector<int64_t>{1, 1};
    expanding.attributes["padding"]                                   = std::vector<int64_t>{0, 0};
    expanding.attributes["groups"]                                    = int64_t{1};
    expanding.attributes["weight"] = std::vector<int64_t>{node.integer("groups"), node.integer("channels"), 1, 1};
    for (const char* each : {"bias", "addend", "low", "high"}) {
        expanding.attributes[each] = node.attributes.at(std::string("expansion_") + each);
    }
    Shape x        = in[0].shape;
    expanding.type = {{x[0], in[1].shape[0], x[2], x[3], lanes}};
    auto     rest  = in.begin() + 3 + node.integer("expansion_bias");
    Operands first{in[0], in[1]}, second;
    first.insert(first.end(), in.begin() + 3, rest);
    second = {conv2d_finished(expanding, first), in[2]};
    second.insert(second.end(), rest, in.end());
    return depthwise_finished(node, second);
}

Values moments(const Node& node, const Operands& in) {
    int64_t channels = node.type.shape[1];
    Values  x        = in[0];
    if (x.shape.rank() == 5) {
        x = unblocked(x, channels);
    }
    double count = static_cast<double>(x.shape.size() / channels);
    Values y(node.type.shape);
    for (int64_t i = 0; i < x.shape.size(); ++i) {
        y[index_at(i, x.shape)[1]] += x[i] / count;
    }
    for (int64_t i = 0; i < x.shape.size(); ++i) {
        int64_t channel = index_at(i, x.shape)[1];
        y[channels + channel] += (x[i] - y[channel]) * (x[i] - y[channel]) / count;
    }
    return y;
}

Values rectified_sums(const Node& node, const Operands& in) {
    int64_t channels = node.type.shape[1];
    Values  dy = in[0], x = in[1];
    if (x.shape.rank() == 5) {
        dy = unblocked(dy, channels);
        x  = unblocked(x, channels);
    }
    Values y(node.type.shape);
    for (int64_t i = 0; i < x.shape.size(); ++i) {
        int64_t channel = index_at(i, x.shape)[1];
        double  centred = x[i] - in[2][channel];
        double  result  = centred * in[3][channel] + in[4][channel];
        if (result > 0 && (node.integer("six") == 0 || result < 6)) {
            y[channel] += dy[i];
            y[channels + channel] += dy[i] * centred;
        }
    }
    return y;
}

}  // namespace

void add_blocks(Table& table) {
    table["block_channels"]                    = block_channels;
    table["unblock_channels"]                  = unblock_channels;
    table["conv2d_blocked"]                    = conv2d_blocked;
    table["conv2d_blocked_data_gradient"]      = conv2d_blocked_data_gradient;
    table["conv2d_blocked_weight_gradient"]    = conv2d_blocked_weight_gradient;
    table["conv2d_finished"]                   = conv2d_finished;
    table["expanded_depthwise"]                = expanded_depthwise;
    table["moments"]                           = moments;
    table["pack_filters"]                      = pack_filters;
    table["rectified_sums"]                    = rectified_sums;
    table["winograd_filters"]                  = winograd_filters;
    table["depthwise_blocked"]                 = depthwise_blocked;
    table["depthwise_finished"]                = depthwise_finished;
    table["depthwise_blocked_data_gradient"]   = conv2d_blocked_data_gradient;
    table["depthwise_blocked_weight_gradient"] = depthwise_blocked_weight_gradient;
}

}  // namespace hemp::plain
