#include "tests/plain/plain.h"

#include <cmath>

namespace hemp::plain {
namespace {

/// The level with the least distance to w, the lower of two; the lowest where w is NaN.
int64_t nearest_level(double w, const Values& levels) {
    int64_t nearest = 0;
    for (int64_t k = 1; k < levels.shape.size(); ++k) {
        if (std::abs(w - levels[k]) < std::abs(w - levels[nearest])) {
            nearest = k;
        }
    }
    return nearest;
}

Values quantize(const Node& node, const Operands& in) {
    const Values &w = in[0], &levels = in[1];
    Values        y(node.type.shape);
    for (int64_t i = 0; i < w.shape.size(); ++i) {
        y[i] = std::isnan(w[i]) ? w[i] : levels[nearest_level(w[i], levels)];
    }
    return y;
}

Values quantize_levels_gradient(const Node& node, const Operands& in) {
    const Values &dy = in[0], &w = in[1], &levels = in[2];
    Values        sums(node.type.shape);
    for (int64_t i = 0; i < w.shape.size(); ++i) {
        sums[nearest_level(w[i], levels)] += dy[i];
    }
    return sums;
}

}  // namespace

void add_quantize(Table& table) {
    table["quantize"]                 = quantize;
    table["quantize_levels_gradient"] = quantize_levels_gradient;
}

}  // namespace hemp::plain
