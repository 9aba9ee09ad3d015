#include "core/ops/gather.h"

#include "core/grad.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/run/program.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

using namespace hemp;

TEST_CASE("gather") {
    Builder build = [](const Tensors& x) { return gather(x[0], x[1]); };
    auto    rows  = [](Shape indices, double last) {
        return Operand{.shape = indices, .dtype = DType::i32, .low = 0, .high = last};
    };
    SUBCASE("agrees with its definition") {
        check_operator("gather", build, {{.shape = {5, 3}}, rows({4}, 4)}, {.result = {.ulps = 0}});
        check_operator("gather", build, {{.shape = {5}}, rows({2, 6}, 4)}, {.result = {.ulps = 0}});
        check_operator("gather", build, {{.shape = {4, 2, 3}}, rows({}, 3)}, {.result = {.ulps = 0}});
        check_operator("gather nothing", build, {{.shape = {4, 2}}, rows({0}, 3)}, {.result = {.ulps = 0}});
    }
    SUBCASE("of many indices, whose gradient adds up rows in pieces") {
        check_operator("sum of gathered rows",
                       [](const Tensors& x) {
                           Tensor y = gather(x[0], x[1]);
                           return sum(y * y);
                       },
                       {{.shape = {7, 3}}, rows({9000}, 6)},
                       {.result = {.ulps = 16, .floor = 1000}, .gradient = false});
        Operands operands{{.shape = {7, 3}}, rows({9000}, 6)};
        check_operator("gradient of gathered rows",
                       [](const Tensors& x) { return grad(sum(gather(x[0], x[1])), {x[0]})[0].gradient; }, operands,
                       {.result = {.ulps = 0}, .gradient = false});
    }
    SUBCASE("its gradient has a gradient") {
        check_operator("second order of gather",
                       [](const Tensors& x) {
                           Tensor y = gather(x[0], x[1]);
                           return grad(sum(y * y * y), {x[0]})[0].gradient;
                       },
                       {{.shape = {4, 2}}, rows({6}, 3)}, {.result = {.ulps = 16, .floor = 8}});
    }
    SUBCASE("refuses an index out of range when it runs, on any number of threads") {
        for (int32_t index : {7, -1}) {
            for (int threads : {1, 3}) {
                Tensor  table   = given({3, 2}, {1, 2, 3, 4, 5, 6});
                Tensor  indices = variable("i", Array(Shape{3}, std::vector<int32_t>{0, index, 9}));
                Program program = compile({gather(table, indices)}, {}, {.threads = threads});
                CHECK_THROWS_WITH_AS(
                    program.run(),
                    fmt::format("gather: index {} at place 1 is out of range; the table has 3 rows", index).c_str(),
                    Error);
            }
        }
    }
    SUBCASE("refuses other types and a table without rows") {
        CHECK_THROWS_WITH_AS(gather(input("t", {3}), input("i", {2})),
                             "gather: indices have elements of type f32; they need i32 (use cast)", ShapeError);
        CHECK_THROWS_WITH_AS(gather(input("t", {3}, DType::u8), input("i", {2}, DType::i32)),
                             "gather: the table has elements of type u8; it needs f32", ShapeError);
        CHECK_THROWS_WITH_AS(gather(input("t", {}), input("i", {2}, DType::i32)),
                             "gather: the table has shape []; it needs an axis of rows", ShapeError);
    }
}
