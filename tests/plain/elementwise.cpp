#include "core/operator.h"
#include "tests/plain/plain.h"

#include <cmath>

namespace hemp::plain {
namespace {

/// The operand's value that belongs to each element of the result.
std::vector<double> values_at(int64_t element, const Shape& shape, const Operands& in) {
    Index               index = index_at(element, shape);
    std::vector<double> values;
    for (const Values& operand : in) {
        values.push_back(operand[broadcast_element(index, shape.rank(), operand.shape)]);
    }
    return values;
}

template <double formula(const std::vector<double>&)>
Values map(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        y[i] = formula(values_at(i, y.shape, in));
    }
    return y;
}

using X = const std::vector<double>&;

double add(X x) { return x[0] + x[1]; }
double subtract(X x) { return x[0] - x[1]; }
double multiply(X x) { return x[0] * x[1]; }
double divide(X x) { return x[0] / x[1]; }
double negate(X x) { return -x[0]; }
double exp(X x) { return std::exp(x[0]); }
double log(X x) { return std::log(x[0]); }
double sqrt(X x) { return std::sqrt(x[0]); }
double tanh(X x) { return std::tanh(x[0]); }
double sigmoid(X x) { return 1 / (1 + std::exp(-x[0])); }
double relu(X x) { return std::isnan(x[0]) || x[0] > 0 ? x[0] : 0; }
double maximum(X x) { return std::isnan(x[0]) || x[0] >= x[1] ? x[0] : x[1]; }
double minimum(X x) { return std::isnan(x[0]) || x[0] <= x[1] ? x[0] : x[1]; }
double greater(X x) { return x[0] > x[1] ? 1 : 0; }
double greater_equal(X x) { return x[0] >= x[1] ? 1 : 0; }
double equal(X x) { return x[0] == x[1] ? 1 : 0; }
double multiply_add(X x) { return x[0] * x[1] + x[2]; }
double relu_gradient(X x) { return x[0] > 0 ? x[1] : 0; }
double relu6(X x) { return std::isnan(x[0]) ? x[0] : std::fmin(std::fmax(x[0], 0.0), 6.0); }
double relu6_gradient(X x) { return x[0] > 0 && x[0] < 6 ? x[1] : 0; }
double normalise(X x) { return (x[0] - x[1]) * x[2] + x[3]; }
double normalised_relu_gradient(X x) { return normalise(x) > 0 ? x[4] : 0; }
double normalised_relu6_gradient(X x) { return normalise(x) > 0 && normalise(x) < 6 ? x[4] : 0; }
double relu_of_normalise_gradient(X x) {
    return (normalise({x[1], x[2], x[3], x[4]}) > 0 ? x[0] : 0) * x[3] + (x[1] - x[2]) * x[5] + x[6];
}
double relu6_of_normalise_gradient(X x) {
    return normalise({x[1], x[2], x[3], x[4]}) < 6 ? relu_of_normalise_gradient(x) : (x[1] - x[2]) * x[5] + x[6];
}
double select(X x) { return x[0] != 0 ? x[1] : x[2]; }
double expand(X x) { return x[0]; }

Values cast(const Node& node, const Operands& in) {
    Values y = in[0];
    for (double& value : y.at) {
        // Towards zero, saturating at the last f32 inside the range.
        if (node.type.dtype == DType::i32) {
            value = std::isnan(value) ? 0 : std::trunc(std::fmin(std::fmax(value, -2147483648.0), 2147483520.0));
        } else if (node.type.dtype == DType::u8) {
            value = std::isnan(value) ? 0 : std::trunc(std::fmin(std::fmax(value, 0.0), 255.0));
        } else {
            value = static_cast<double>(static_cast<float>(value));
        }
    }
    return y;
}

}  // namespace

void add_elementwise(Table& table) {
    table["add"]                       = map<add>;
    table["subtract"]                  = map<subtract>;
    table["multiply"]                  = map<multiply>;
    table["divide"]                    = map<divide>;
    table["negate"]                    = map<negate>;
    table["exp"]                       = map<exp>;
    table["log"]                       = map<log>;
    table["sqrt"]                      = map<sqrt>;
    table["tanh"]                      = map<tanh>;
    table["sigmoid"]                   = map<sigmoid>;
    table["relu"]                      = map<relu>;
    table["maximum"]                   = map<maximum>;
    table["minimum"]                   = map<minimum>;
    table["greater"]                   = map<greater>;
    table["greater_equal"]             = map<greater_equal>;
    table["equal"]                     = map<equal>;
    table["multiply_add"]              = map<multiply_add>;
    table["relu_gradient"]             = map<relu_gradient>;
    table["relu6"]                     = map<relu6>;
    table["relu6_gradient"]            = map<relu6_gradient>;
    table["normalised_relu_gradient"]  = map<normalised_relu_gradient>;
    table["normalised_relu6_gradient"] = map<normalised_relu6_gradient>;
    table["normalise"]                 = map<normalise>;
    table["normalise_gradient"]        = [](const Node& node, const Operands& in) {
        return node.integer("six") != 0 ? map<relu6_of_normalise_gradient>(node, in)
                                               : map<relu_of_normalise_gradient>(node, in);
    };
    table["select"] = map<select>;
    table["expand"] = map<expand>;
    table["cast"]   = cast;
}

}  // namespace hemp::plain
