#include "core/operator.h"
#include "tests/plain/plain.h"

#include <cmath>

namespace hemp::plain {
namespace {

/// The elements of x under the window at each place of y.
std::vector<int64_t> under(const Node& node, const Shape& x, const Index& to) {
    const auto&          window  = node.integers("window");
    const auto&          stride  = node.integers("stride");
    const auto&          padding = node.integers("padding");
    std::vector<int64_t> elements;
    for (int64_t a = 0; a < window[0]; ++a) {
        for (int64_t b = 0; b < window[1]; ++b) {
            int64_t row    = to[2] * stride[0] + a - padding[0];
            int64_t column = to[3] * stride[1] + b - padding[1];
            if (row >= 0 && row < x[2] && column >= 0 && column < x[3]) {
                elements.push_back(element_at({to[0], to[1], row, column, to[4]}, x));
            }
        }
    }
    return elements;
}

/// The first NaN, else the first of the largest values.
int64_t largest(const Values& x, const std::vector<int64_t>& elements) {
    int64_t best = elements[0];
    for (int64_t element : elements) {
        if (!std::isnan(x[best]) && (std::isnan(x[element]) || x[element] > x[best])) {
            best = element;
        }
    }
    return best;
}

Values max_pool(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        y[i] = in[0][largest(in[0], under(node, in[0].shape, index_at(i, y.shape)))];
    }
    return y;
}

Values max_pool_gradient(const Node& node, const Operands& in) {
    Values        dx(node.type.shape);
    const Values& dy = in[2];
    for (int64_t i = 0; i < dy.shape.size(); ++i) {
        dx[largest(in[0], under(node, dx.shape, index_at(i, dy.shape)))] += dy[i];
    }
    return dx;
}

Values average_pool(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        std::vector<int64_t> elements = under(node, in[0].shape, index_at(i, y.shape));
        for (int64_t element : elements) {
            y[i] += in[0][element] / static_cast<double>(elements.size());
        }
    }
    return y;
}

Values average_pool_gradient(const Node& node, const Operands& in) {
    Values dx(node.type.shape);
    for (int64_t i = 0; i < in[0].shape.size(); ++i) {
        std::vector<int64_t> elements = under(node, dx.shape, index_at(i, in[0].shape));
        for (int64_t element : elements) {
            dx[element] += in[0][i] / static_cast<double>(elements.size());
        }
    }
    return dx;
}

}  // namespace

void add_windows(Table& table) {
    table["max_pool"]              = max_pool;
    table["max_pool_gradient"]     = max_pool_gradient;
    table["average_pool"]          = average_pool;
    table["average_pool_gradient"] = average_pool_gradient;
}

}  // namespace hemp::plain
