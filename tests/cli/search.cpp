#include "cli/search.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

using namespace hemp;
using doctest::Approx;

TEST_CASE("a search doubles until a round asks for too much, then closes in on the coefficient between") {
    Search search(3);
    CHECK(search.coefficient() == 3);
    CHECK(search.next(true));
    CHECK(search.coefficient() == 6);
    CHECK(search.next(true));
    CHECK(search.coefficient() == 12);
    CHECK(search.next(false));
    CHECK(search.coefficient() == Approx(std::sqrt(6.0 * 12)));
    CHECK(search.next(false));
    CHECK(search.next(true));
    CHECK(search.coefficient() > 6);
}

TEST_CASE("a search halves while every round asks for too much") {
    Search search(3);
    CHECK(search.next(false));
    CHECK(search.coefficient() == 1.5);
    CHECK(search.next(false));
    CHECK(search.coefficient() == 0.75);
}

TEST_CASE("a search ends near any coefficient, and a restored one goes on alike") {
    for (double wanted : {0.01, 0.5, 2.9, 3.1, 40.0, 5000.0}) {
        CAPTURE(wanted);
        Search search(3);
        int    rounds = 1;
        while (search.next(search.coefficient() < wanted)) {
            Search again(7);
            again.restore(search.state());
            CHECK(again.coefficient() == search.coefficient());
            search = again;
            REQUIRE(++rounds < 30);
        }
        CHECK(search.coefficient() == Approx(wanted).epsilon(0.15));
    }
}
