// docs/hemp.md: the soft entropy on numbers that can be checked by hand.

#include "hemp/entropy.h"

#include "core/grad.h"
#include "core/run/program.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;
using doctest::Approx;

TEST_CASE("the soft entropy of four weights, by hand") {
    // snippet: soft
    Tensor w      = variable("w", Array(Shape{4}, std::vector<float>{-1, 0, 0, 0.25f}));
    Tensor levels = constant(Array(Shape{3}, std::vector<float>{-1, 0, 1}));
    Tensor bits   = entropy({w}, {levels}, {.order = 1});

    // The first weight is symbol 0, the next two are symbol 1, the last is a quarter of symbol 2.
    double  p[3]    = {1 / 4.0, 2.75 / 4, 0.25 / 4};
    Program program = compile({bits, grad(bits, {w})[0].gradient});
    program.run();
    CHECK(program.scalar(0) == Approx(-p[0] * std::log2(p[0]) - p[1] * std::log2(p[1]) - p[2] * std::log2(p[2])));
    // T = 4 tuples, step D = 1
    CHECK(program.output(1).values<float>()[3] == Approx((std::log2(p[1]) - std::log2(p[2])) / 4));
    // end of snippet
}

TEST_CASE("on the levels, the soft entropy is the entropy of the symbols") {
    Tensor  w       = constant(Array(Shape{4}, std::vector<float>{-1, 0, 1, 1}));
    Tensor  levels  = constant(Array(Shape{3}, std::vector<float>{-1, 0, 1}));
    Program program = compile({entropy({w}, {levels}, {.order = 1})});
    program.run();
    CHECK(program.scalar(0) == Approx(1.5));
}
