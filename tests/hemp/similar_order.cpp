#include "hemp/similar_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>

using namespace hemp;

namespace {

std::vector<size_t> all(size_t count) {
    std::vector<size_t> units(count);
    std::iota(units.begin(), units.end(), size_t{0});
    return units;
}

}  // namespace

TEST_CASE("neighbours in a similar order share their marks") {
    // Unit u has marks u, u + 1 and u + 2, but units come shuffled: the path goes along the line again.
    constexpr size_t   count = 50;
    std::vector<Marks> marks(count);
    auto               place_of = [&](size_t unit) { return static_cast<int64_t>(unit * 17 % count); };
    for (size_t unit = 0; unit < count; ++unit) {
        for (int64_t i = 0; i < 3; ++i) {
            marks[unit].push_back({place_of(unit) + i, true});
        }
    }
    std::vector<size_t> order = similar_order({&marks}, all(count));
    int                 steps = 0;
    for (size_t i = 1; i < count; ++i) {
        steps += std::abs(place_of(order[i]) - place_of(order[i - 1])) == 1;
    }
    CHECK(steps >= 47);
    std::ranges::sort(order);
    CHECK(order == all(count));
}

TEST_CASE("marks of the same place but another sign keep units apart") {
    std::vector<Marks> marks{{{1, true}, {2, true}, {3, true}}, {{1, false}, {2, false}}, {{1, true}, {2, true}}, {}};
    CHECK(similar_order({&marks}, all(4)) == std::vector<size_t>{0, 2, 3, 1});
}

TEST_CASE("one unit, none, and too many to compare") {
    std::vector<Marks> marks(3000);
    marks[7] = {{1, true}, {2, false}};
    CHECK(similar_order({&marks}, {}).empty());
    CHECK(similar_order({&marks}, {7}) == std::vector<size_t>{7});
    CHECK(similar_order({&marks}, all(3000))[0] == 7);
}
