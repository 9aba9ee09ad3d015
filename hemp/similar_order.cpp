#include "hemp/similar_order.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hemp {
namespace {

float similarity(const Marks& a, const Marks& b) {
    constexpr float contrary = -0.5f;  // found by trial on trained LeNets, as is the root below
    int             equal = 0, unequal = 0;
    for (size_t i = 0; i < a.positive.size(); ++i) {
        equal += std::popcount(a.positive[i] & b.positive[i]) + std::popcount(a.negative[i] & b.negative[i]);
        unequal += std::popcount(a.positive[i] & b.negative[i]) + std::popcount(a.negative[i] & b.positive[i]);
    }
    return (static_cast<float>(equal) + contrary * static_cast<float>(unequal)) /
           std::sqrt(static_cast<float>((a.count + 1) * (b.count + 1)));
}

/// Similarities of all pairs.
class Table {
 public:
    Table(const std::vector<const std::vector<Marks>*>& kinds, const std::vector<size_t>& units)
        : count_(units.size()), values_(count_ * count_) {
        for (size_t a = 0; a < count_; ++a) {
            for (size_t b = 0; b < a; ++b) {
                float sum = 0;
                for (const std::vector<Marks>* marks : kinds) {
                    sum += similarity((*marks)[units[a]], (*marks)[units[b]]);
                }
                values_[a * count_ + b] = values_[b * count_ + a] = sum;
            }
        }
    }
    float operator()(size_t a, size_t b) const { return values_[a * count_ + b]; }

 private:
    size_t             count_;
    std::vector<float> values_;
};

/// From the first, always on to the nearest of the rest.
std::vector<size_t> nearest_neighbours(const Table& table, size_t count) {
    std::vector<size_t> path(count);
    for (size_t i = 0; i < count; ++i) {
        path[i] = i;
    }
    for (size_t i = 1; i < count; ++i) {
        auto rest    = path.begin() + static_cast<std::ptrdiff_t>(i);
        auto nearest = std::max_element(
            rest, path.end(), [&, last = path[i - 1]](size_t a, size_t b) { return table(last, a) < table(last, b); });
        std::rotate(rest, nearest, nearest + 1);
    }
    return path;
}

/// Turns parts of the path round while that brings more similar ones together (2-opt).
void improve(const Table& table, std::vector<size_t>& path) {
    constexpr int   most_rounds = 30;
    constexpr float least       = 1e-5f;  // more than rounding, so that it ends
    bool            better      = true;
    auto            between     = [&](size_t a, size_t b) { return table(path[a], path[b]); };
    for (int round = 0; round < most_rounds && better; ++round) {
        better = false;
        for (size_t first = 0; first < path.size(); ++first) {
            for (size_t last = first + 1; last < path.size(); ++last) {
                float now = (first > 0 ? between(first - 1, first) : 0) +
                            (last + 1 < path.size() ? between(last, last + 1) : 0);
                float then = (first > 0 ? between(first - 1, last) : 0) +
                             (last + 1 < path.size() ? between(first, last + 1) : 0);
                if (then > now + least) {
                    std::reverse(path.begin() + static_cast<std::ptrdiff_t>(first),
                                 path.begin() + static_cast<std::ptrdiff_t>(last) + 1);
                    better = true;
                }
            }
        }
    }
}

}  // namespace

std::vector<size_t> similar_order(const std::vector<const std::vector<Marks>*>& kinds, std::vector<size_t> units) {
    constexpr size_t most  = 2048;
    auto             marks = [&](size_t unit) {
        size_t count = 0;
        for (const std::vector<Marks>* kind : kinds) {
            count += (*kind)[unit].count;
        }
        return count;
    };
    std::ranges::stable_sort(units, [&](size_t a, size_t b) { return marks(a) > marks(b); });
    if (units.size() > most) {
        return units;
    }
    Table               table(kinds, units);
    std::vector<size_t> path = nearest_neighbours(table, units.size());
    improve(table, path);
    for (size_t& unit : path) {
        unit = units[unit];
    }
    return path;
}

}  // namespace hemp
