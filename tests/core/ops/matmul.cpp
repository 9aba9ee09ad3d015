#include "core/ops/matmul.h"

#include "core/plan/plan.h"
#include "core/run/program.h"
#include "tests/arrays.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

void check_matmul(Shape a, Shape b, MatmulOptions options = {}, bool gradient = true) {
    std::string name = fmt::format("matmul{}{}", options.transpose_a ? " a'" : "", options.transpose_b ? " b'" : "");
    check_operator(name, [=](const Tensors& x) { return matmul(x[0], x[1], options); }, {{.shape = a}, {.shape = b}},
                   {.result = {.ulps = 16, .floor = 8}, .gradient = gradient, .slope = {.ulps = 32, .floor = 8}});
}

}  // namespace

TEST_CASE("matmul with packed columns") {
    SUBCASE("agrees with its definition") {
        for (bool transposed : {false, true}) {
            for (int64_t n : {1, 16, 33, 70}) {
                Shape b = transposed ? Shape{n, 9} : Shape{9, n};
                check_operator("pack_columns", [=](const Tensors& x) { return pack_columns(x[0], transposed); },
                               {{.shape = b}}, {.gradient = false});
                check_operator("matmul_packed",
                               [=](const Tensors& x) { return matmul_packed(x[0], pack_columns(x[1], transposed), n); },
                               {{.shape = {31, 9}}, {.shape = b}},
                               {.result = {.ulps = 16, .floor = 8}, .gradient = false});
            }
        }
    }
    SUBCASE("takes the place of a product with weights that do not change, with the same bits") {
        Tensor a = input("a", {40, 1100});
        Tensor b = variable("b", random_array({.shape = {50, 1100}}, 1));
        Tensor y = matmul(a, b, {.transpose_b = true});
        Array  values(random_array({.shape = a.shape()}, 2));
        Plan   plan = make_plan({y}, {}, {.frozen = true});
        REQUIRE(plan.groups.size() == 1);
        CHECK(plan.groups[0].last().op->name == "matmul_packed");
        Program usual = compile({y}), packed = compile({y}, {}, {.frozen = true});
        usual.run({{a, values}});
        packed.run({{a, values}});
        CHECK(same_bits(usual.output(0), packed.output(0)));
    }
    SUBCASE("but not of one row, which reads them once") {
        Tensor a    = input("a", {1, 11});
        Tensor b    = variable("b", Array(Type{{5, 11}}));
        Plan   plan = make_plan({matmul(a, b, {.transpose_b = true})}, {}, {.frozen = true});
        CHECK(plan.groups[0].last().op->name == "matmul");
    }
}

TEST_CASE("matmul") {
    SUBCASE("agrees with its definition, either operand transposed") {
        check_matmul({3, 5}, {5, 4});
        check_matmul({5, 3}, {5, 4}, {.transpose_a = true});
        check_matmul({3, 5}, {4, 5}, {.transpose_b = true});
        check_matmul({5, 3}, {4, 5}, {.transpose_a = true, .transpose_b = true});
    }
    SUBCASE("of one row with rows") {
        check_matmul({1, 5}, {4, 5}, {.transpose_b = true});
        check_matmul({1, 37}, {70, 37}, {.transpose_b = true}, false);
        check_matmul({1, 310}, {23, 310}, {.transpose_b = true}, false);
        check_matmul({1, 0}, {3, 0}, {.transpose_b = true});
    }
    SUBCASE("over a batch, with broadcasting, either operand transposed") {
        check_matmul({2, 3, 5}, {2, 5, 4});
        check_matmul({2, 3, 5}, {5, 4});
        check_matmul({3, 5}, {2, 5, 4});
        check_matmul({2, 1, 3, 5}, {4, 5, 2});
        check_matmul({2, 5, 3}, {1, 4, 5}, {.transpose_a = true, .transpose_b = true});
        check_matmul({1, 3, 5}, {1, 5, 4});
    }
    SUBCASE("of odd sizes, around panels of every instruction set") {
        for (int64_t m : {1, 4, 15, 29}) {
            for (int64_t n : {1, 8, 17, 33, 65}) {
                check_matmul({m, 11}, {11, n}, {}, false);
            }
        }
        check_matmul({90, 37}, {41, 37}, {.transpose_b = true}, false);
        check_matmul({37, 60}, {37, 130}, {.transpose_a = true}, false);
    }
    SUBCASE("over more rows than a block of depth") {
        check_operator("matmul", [](const Tensors& x) { return matmul(x[0], x[1]); },
                       {{.shape = {3, 2500}}, {.shape = {2500, 5}}},
                       {.result = {.ulps = 64, .floor = 50}, .gradient = false});
    }
    SUBCASE("of empty operands") {
        check_matmul({0, 3}, {3, 4});
        check_matmul({2, 3}, {3, 0});
        check_matmul({0, 2, 3}, {3, 4});
        CHECK(computed(matmul(given({2, 0}, {}), given({0, 2}, {}))) == std::vector<float>{0, 0, 0, 0});
    }
    SUBCASE("refuses operands that do not fit, and says how") {
        CHECK_THROWS_WITH_AS(matmul(input("a", {2, 3}), input("b", {4, 5})),
                             "matmul: a [2, 3] has rows of 3, b [4, 5] has columns of 4; they must be equal (is one of "
                             "them to be transposed?)",
                             ShapeError);
        CHECK_THROWS_WITH_AS(matmul(input("a", {3}), input("b", {3, 5})),
                             "matmul: operands have shapes [3] and [3, 5]; each needs at least two axes (a vector: "
                             "reshape it to one row)",
                             ShapeError);
        CHECK_THROWS_WITH_AS(matmul(input("a", {3, 3}), input("b", {3, 5}, DType::u8)),
                             "matmul: operands are f32 and u8; both must be f32 (use cast)", ShapeError);
        CHECK_THROWS_AS(matmul(input("a", {2, 3, 3}), input("b", {3, 3, 5})), ShapeError);
    }
}
