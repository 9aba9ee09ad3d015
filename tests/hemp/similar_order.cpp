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
    std::vector<Marks> marks(count, Marks(count + 2));
    auto               place_of = [&](size_t unit) { return static_cast<int64_t>(unit * 17 % count); };
    for (size_t unit = 0; unit < count; ++unit) {
        for (int64_t i = 0; i < 3; ++i) {
            marks[unit].add(static_cast<size_t>(place_of(unit) + i), true);
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
    std::vector<Marks> marks(4, Marks(100));
    for (size_t place : {1, 2, 70}) {
        marks[0].add(place, true);
    }
    for (size_t place : {1, 70}) {
        marks[1].add(place, false);
        marks[2].add(place, true);
    }
    CHECK(similar_order({&marks}, all(4)) == std::vector<size_t>{0, 2, 3, 1});
}

TEST_CASE("one unit, none, and too many to compare") {
    std::vector<Marks> marks(3000, Marks(5));
    marks[7].add(1, true);
    marks[7].add(2, false);
    CHECK(similar_order({&marks}, {}).empty());
    CHECK(similar_order({&marks}, {7}) == std::vector<size_t>{7});
    CHECK(similar_order({&marks}, all(3000))[0] == 7);
}
