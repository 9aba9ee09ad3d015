#include "cli/search.h"

#include <doctest/doctest.h>

#include <vector>

using namespace hemp;

namespace {

std::vector<double> coefficients(const std::vector<bool>& too_small) {
    Search              search(3);
    std::vector<double> result{search.coefficient()};
    for (bool each : too_small) {
        Search resumed(7);
        resumed.restore(search.state());
        search = resumed;
        search.next(each);
        result.push_back(search.coefficient());
    }
    return result;
}

}  // namespace

TEST_CASE("a search doubles until a round asks for too much, then halves after each that does") {
    CHECK(coefficients({true, true, false, false, true, true, false}) ==
          std::vector<double>{3, 6, 12, 6, 3, 3, 3, 1.5});
}

TEST_CASE("a search halves while every round asks for too much") {
    CHECK(coefficients({false, false, true, true}) == std::vector<double>{3, 1.5, 0.75, 0.75, 0.75});
    Search search(3);
    search.next(false);
    CHECK_FALSE(search.goes_on());
    search.next(true);
    CHECK(search.goes_on());
}
