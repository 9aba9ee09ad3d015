#include "optim/schedule.h"

#include <doctest/doctest.h>

using namespace hemp;
using doctest::Approx;

TEST_CASE("a learning rate's schedule") {
    SUBCASE("constant stays") {
        Schedule s{.peak = 0.1f, .steps = 100};
        CHECK(s.rate(0) == 0.1f);
        CHECK(s.rate(99) == 0.1f);
    }
    SUBCASE("warm-up rises linearly and reaches the peak with its last step") {
        Schedule s{.peak = 0.1f, .steps = 100, .warmup_steps = 4};
        CHECK(s.rate(0) == Approx(0.025));
        CHECK(s.rate(1) == Approx(0.05));
        CHECK(s.rate(3) == Approx(0.1));
        CHECK(s.rate(50) == Approx(0.1));
    }
    SUBCASE("step multiplies by the factor each time") {
        Schedule s{.kind = Schedule::Kind::step, .peak = 1, .steps = 90, .factor = 0.1f, .every = 30};
        CHECK(s.rate(29) == Approx(1.0));
        CHECK(s.rate(30) == Approx(0.1));
        CHECK(s.rate(89) == Approx(0.01));
    }
    SUBCASE("cosine falls from the peak to 0, half way at half the peak") {
        Schedule s{.kind = Schedule::Kind::cosine, .peak = 0.2f, .steps = 100};
        CHECK(s.rate(0) == Approx(0.2));
        CHECK(s.rate(50) == Approx(0.1));
        CHECK(s.rate(100) == Approx(0.0));
        CHECK(s.rate(99) > 0);
    }
    SUBCASE("cosine after a warm-up has the remaining steps for its fall") {
        Schedule s{.kind = Schedule::Kind::cosine, .peak = 0.2f, .steps = 100, .warmup_steps = 20};
        CHECK(s.rate(19) == Approx(0.2));
        CHECK(s.rate(20) == Approx(0.2));
        CHECK(s.rate(60) == Approx(0.1));
    }
    SUBCASE("one-cycle begins at a 25th, peaks after 30 %, ends near 0") {
        Schedule s{.kind = Schedule::Kind::one_cycle, .peak = 1, .steps = 100};
        CHECK(s.rate(0) == Approx(0.04));
        CHECK(s.rate(15) == Approx(0.52));
        CHECK(s.rate(30) == Approx(1.0));
        CHECK(s.rate(65) == Approx(0.5).epsilon(1e-4));
        CHECK(s.rate(100) == Approx(4e-6));
    }
}
