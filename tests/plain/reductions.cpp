#include "core/operator.h"
#include "tests/plain/plain.h"

#include <cmath>
#include <limits>

namespace hemp::plain {
namespace {

/// Joins the values of x that fall on each element of the result.
template <class Join>
Values reduce(const Node& node, const Values& x, double start, Join join) {
    std::vector<int64_t> kept(x.shape.begin(), x.shape.end());
    for (int64_t axis : node.integers("axes")) {
        kept[static_cast<size_t>(axis)] = 1;
    }
    Values y(Shape(kept), start);
    for (int64_t i = 0; i < x.shape.size(); ++i) {
        double& total = y[broadcast_element(index_at(i, x.shape), x.shape.rank(), y.shape)];
        total         = join(total, x[i]);
    }
    y.shape = node.type.shape;
    return y;
}

Values sum(const Node& node, const Operands& in) {
    return reduce(node, in[0], 0, [](double a, double b) { return a + b; });
}

Values max(const Node& node, const Operands& in) {
    return reduce(node, in[0], -std::numeric_limits<double>::infinity(),
                  [](double a, double b) { return std::isnan(a) || a > b ? a : b; });
}

Values min(const Node& node, const Operands& in) {
    return reduce(node, in[0], std::numeric_limits<double>::infinity(),
                  [](double a, double b) { return std::isnan(a) || a < b ? a : b; });
}

Values argmax(const Node& node, const Operands& in) {
    Values  y(node.type.shape);
    int64_t columns = in[0].shape[-1];
    for (int64_t row = 0; row < y.shape.size(); ++row) {
        int64_t best = 0;
        for (int64_t i = 1; i < columns; ++i) {
            double top   = in[0][row * columns + best];
            double value = in[0][row * columns + i];
            best         = !std::isnan(top) && (std::isnan(value) || value > top) ? i : best;
        }
        y[row] = static_cast<double>(best);
    }
    return y;
}

Values log_softmax(const Node& node, const Operands& in) {
    Values  y(node.type.shape);
    int64_t columns = y.shape[-1];
    for (int64_t row = 0; row < y.shape.size() / columns; ++row) {
        double top = -std::numeric_limits<double>::infinity(), total = 0;
        for (int64_t i = 0; i < columns; ++i) {
            top = std::fmax(top, in[0][row * columns + i]);
        }
        for (int64_t i = 0; i < columns; ++i) {
            total += std::exp(in[0][row * columns + i] - top);
        }
        for (int64_t i = 0; i < columns; ++i) {
            y[row * columns + i] = in[0][row * columns + i] - top - std::log(total);
        }
    }
    return y;
}

Values softmax(const Node& node, const Operands& in) {
    Values y = log_softmax(node, in);
    for (double& value : y.at) {
        value = std::exp(value);
    }
    return y;
}

}  // namespace

void add_reductions(Table& table) {
    table["sum"]         = sum;
    table["max"]         = max;
    table["min"]         = min;
    table["argmax"]      = argmax;
    table["softmax"]     = softmax;
    table["log_softmax"] = log_softmax;
}

}  // namespace hemp::plain
