#include "hemp/regularizer.h"

#include "core/run/program.h"

#include <doctest/doctest.h>

using namespace hemp;
using doctest::Approx;

TEST_CASE("the hard entropy is that of the nearest levels, in bits a tuple") {
    // 40 weights, levels -1, 0, 1: each pair is (0, 0) or (0, 1), all a little off their levels.
    std::vector<float> values;
    for (int i = 0; i < 10; ++i) {
        values.insert(values.end(), {0.1f, -0.2f, 0.05f, 0.9f});
    }
    Tensor      w = variable("w", Array(Shape{40}, values));
    Regularizer regularizer({w}, {.levels = 3, .rule = LevelRule::mid_tread, .deviations = 0, .entropy = {.order = 2}});
    REQUIRE(regularizer.level_values(0)[2] == Approx(0.6));

    Tensor  hard    = regularizer.hard_entropy();
    Program program = compile({hard, distinct_tuples(hard), regularizer.bits()}, {}, {.verify = true});
    program.run();
    CHECK(program.scalar(0) == Approx(1));
    CHECK(regularizer.per_weight() == 0.5f);
    CHECK(tuple_count(hard) == 20);
    CHECK(program.output(1).values<int64_t>()[0] == 2);
    // The soft one sees how far the weights are from their levels.
    CHECK(program.scalar(2) > 0.6f);
}
