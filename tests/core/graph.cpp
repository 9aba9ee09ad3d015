#include "core/graph.h"

#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/matmul.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "core/ops/subtract.h"
#include "core/random.h"
#include "core/run/program.h"

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

TEST_CASE("a program") {
    verify_always(true);
    Tensor    x    = input("x", {4, 3});
    Tensor    w    = variable("w", Array(Shape{2, 3}, std::vector<float>{1, 2, 3, -1, 0, 1}));
    Tensor    b    = variable("b", Array(Shape{2}, std::vector<float>{0.5f, -0.5f}));
    Tensor    y    = relu(matmul(x, w, {.transpose_b = true}) + b);
    Tensor    loss = sum(y * y);
    Gradients g    = grad(loss, {w, b});
    Updates   u;
    for (const Gradient& each : g) {
        u.push_back({each.variable, each.variable - each.gradient * 0.01f});
    }
    Program p = compile({y, loss, g[0].gradient}, u, {.threads = 2});
    Array   v(Shape{4, 3}, std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1});
    p.run({{x, v}});
    CHECK(p.output(0).values<float>()[0] == 1.5f);
    CHECK(p.output(0).values<float>()[1] == 0.0f);
    CHECK(p.output(0).values<float>()[6] == 6.5f);
    CHECK(p.scalar(1) == doctest::Approx(1.5 * 1.5 + 2.5 * 2.5 + 3.5 * 3.5 + .25 + 6.5 * 6.5));
    CHECK(p.output(2).values<float>()[0] == doctest::Approx(2 * (1.5 + 6.5)));
    CHECK(value_of(w).values<float>()[0] == doctest::Approx(1 - 0.01 * 16));
    CHECK(value_of(b).values<float>()[0] == doctest::Approx(0.5 - 0.02 * (1.5 + 2.5 + 3.5 + 6.5)));
}
