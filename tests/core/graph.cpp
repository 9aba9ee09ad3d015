#include "core/graph.h"

#include "core/random.h"

#include <doctest/doctest.h>

using namespace hemp;

TEST_CASE("a shape") {
    SUBCASE("prints as its lengths") { CHECK(to_string(Shape{2, 3}) == "[2, 3]"); }
    SUBCASE("of a scalar has one element") { CHECK(Shape{}.size() == 1); }
    SUBCASE("with a product beyond 2^40 is refused") { CHECK_THROWS_AS((Shape{1 << 30, 1 << 30}), ShapeError); }
    SUBCASE("broadcasts by NumPy's rule") {
        CHECK(broadcast({4, 1, 3}, {2, 1}, "test") == Shape{4, 2, 3});
        CHECK_THROWS_WITH_AS(broadcast({4, 3}, {4, 2}, "add"),
                             "add: shapes [4, 3] and [4, 2] do not fit; counted from the end, axis 1 has lengths 3 and "
                             "2, which must be equal or one of them 1",
                             ShapeError);
    }
}

TEST_CASE("random numbers are those of the Philox paper") {
    // Known answers of Random123 1.09, kat_vectors: philox4x32 10.
    CHECK(Random(0, 0).block(0) == std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(Random(~0ull, ~0ull).block(~0ull) == std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
}
