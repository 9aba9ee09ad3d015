// Operators that move values without arithmetic: reshape, transpose, slice, reverse, concat, pad.

#include "core/ops/concat.h"
#include "core/ops/pad.h"
#include "core/ops/reshape.h"
#include "core/ops/slice.h"
#include "core/ops/transpose.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

const CheckOptions exact{.result = {.ulps = 0}};
const CheckOptions exact_integers{.result = {.ulps = 0}, .gradient = false};

}  // namespace

TEST_CASE("reshape") {
    SUBCASE("agrees with its definition") {
        check_operator(
            "reshape",
            [](const Tensors& x) {
                return reshape(x[0], Shape{6, 4});
            },
            {{.shape = {2, 3, 4}}}, exact);
        check_operator(
            "reshape", [](const Tensors& x) { return reshape(x[0], Shape{}); }, {{.shape = {1, 1}}}, exact);
        check_operator(
            "reshape",
            [](const Tensors& x) {
                return reshape(x[0], Shape{0, 7});
            },
            {{.shape = {3, 0}}}, exact);
    }
    SUBCASE("works out one length") {
        CHECK(reshape(input("x", {2, 3, 4}), std::vector<int64_t>{2, -1}).shape() == Shape{2, 12});
    }
    SUBCASE("refuses another number of elements") {
        CHECK_THROWS_WITH_AS(reshape(input("x", {2, 3}), Shape{4}), "reshape: [2, 3] has 6 elements, [4] would have 4",
                             ShapeError);
        CHECK_THROWS_WITH_AS(reshape(input("x", {2, 3}), std::vector<int64_t>{4, -1}),
                             "reshape: 6 elements do not divide by 4", ShapeError);
    }
    SUBCASE("refuses two open lengths") {
        CHECK_THROWS_AS(reshape(input("x", {2, 3}), std::vector<int64_t>{-1, -1}), ShapeError);
    }
}

TEST_CASE("transpose") {
    SUBCASE("agrees with its definition") {
        for (std::vector<int> axes : {std::vector{2, 0, 1}, {1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {0, 1, 2}}) {
            check_operator(
                "transpose", [axes](const Tensors& x) { return transpose(x[0], axes); }, {{.shape = {3, 4, 5}}}, exact);
        }
        check_operator(
            "transpose of bytes", [](const Tensors& x) { return transpose(x[0]); },
            {{.shape = {3, 5}, .dtype = DType::u8, .low = 0, .high = 255}}, exact_integers);
        check_operator(
            "transpose of nothing", [](const Tensors& x) { return transpose(x[0]); }, {{.shape = {0, 5}}}, exact);
        check_operator(
            "transpose of a large matrix", [](const Tensors& x) { return transpose(x[0]); }, {{.shape = {131, 257}}},
            exact_integers);
    }
    SUBCASE("refuses what is no order of the axes") {
        Tensor x = input("x", {2, 3});
        CHECK_THROWS_WITH_AS(transpose(x, {0, 0}), "transpose: axis 0 is named twice", ShapeError);
        CHECK_THROWS_WITH_AS(transpose(x, {1}), "transpose: 1 axes named, but x has shape [2, 3]", ShapeError);
        CHECK_THROWS_WITH_AS(transpose(x, {0, 2}), "transpose: axis 2 is not one of the 2 axes of [2, 3]", ShapeError);
        CHECK_THROWS_WITH_AS(transpose(input("x", {2})), "transpose: x has shape [2]; it needs at least two axes",
                             ShapeError);
    }
}

TEST_CASE("slice") {
    struct Part {
        int     axis;
        int64_t begin, count, step;
    };
    SUBCASE("agrees with its definition") {
        for (Part p : {Part{0, 1, 3, 1}, {0, 0, 2, 3}, {1, 4, 5, -1}, {-1, 4, 2, -3}, {1, 2, 0, 1}, {1, 0, 5, 1}}) {
            check_operator(
                "slice", [p](const Tensors& x) { return slice(x[0], p.axis, p.begin, p.count, p.step); },
                {{.shape = {4, 5}}}, exact);
        }
        check_operator(
            "slice of labels", [](const Tensors& x) { return slice(x[0], 0, 1, 3, 2); },
            {{.shape = {7}, .dtype = DType::i32, .low = -9, .high = 9}}, exact_integers);
    }
    SUBCASE("of a slice's gradient: the second derivative of a square") {
        check_operator(
            "unslice", [](const Tensors& x) { return slice(slice(x[0], 0, 0, 4, 2), 0, 1, 2); }, {{.shape = {8, 2}}},
            exact);
    }
    SUBCASE("reverse turns an axis round") {
        check_operator(
            "reverse", [](const Tensors& x) { return reverse(x[0], 0); }, {{.shape = {3, 4}}}, exact);
        CHECK(computed(reverse(given({3}, {1, 2, 3}), 0)) == std::vector<float>{3, 2, 1});
    }
    SUBCASE("refuses elements outside the axis") {
        Tensor x = input("x", {4, 5});
        CHECK_THROWS_WITH_AS(slice(x, 1, 3, 3), "slice: 3 elements from 3 in steps of 1 do not lie in axis 1 of [4, 5]",
                             ShapeError);
        CHECK_THROWS_AS(slice(x, 1, 0, 2, -1), ShapeError);
        CHECK_THROWS_AS(slice(x, 1, 0, 2, 0), ShapeError);
        CHECK_THROWS_AS(slice(x, 1, -1, 2), ShapeError);
        CHECK_THROWS_AS(slice(x, 2, 0, 1), ShapeError);
    }
}

TEST_CASE("concat") {
    SUBCASE("agrees with its definition") {
        for (int axis : {0, 1, -1}) {
            check_operator(
                "concat",
                [axis](const Tensors& x) {
                    return concat({x[0], x[1], x[0]}, axis);
                },
                {{.shape = {2, 3}}, {.shape = {2, 3}}}, exact);
        }
        check_operator(
            "concat of unequal parts", [](const Tensors& x) { return concat(x, 1); },
            {{.shape = {2, 3}}, {.shape = {2, 0}}, {.shape = {2, 1}}}, exact);
    }
    SUBCASE("refuses parts that do not fit") {
        CHECK_THROWS_WITH_AS(concat({input("a", {2, 3}), input("b", {3, 3})}, 1),
                             "concat: f32 [3, 3] does not fit f32 [2, 3] along axis 1; all other axes and the type "
                             "must agree",
                             ShapeError);
        CHECK_THROWS_WITH_AS(concat({}, 0), "concat: no tensors given", ShapeError);
        CHECK_THROWS_AS(concat({input("a", {2}), input("b", {2}, DType::u8)}, 0), ShapeError);
    }
}

TEST_CASE("pad") {
    SUBCASE("agrees with its definition") {
        check_operator(
            "pad",
            [](const Tensors& x) {
                return pad(x[0], {1, 0}, {2, 3});
            },
            {{.shape = {3, 4}}}, exact);
        check_operator(
            "pad",
            [](const Tensors& x) {
                return pad(x[0], {0, 2, 0}, {0, 0, 1});
            },
            {{.shape = {2, 3, 4}}}, exact);
        check_operator(
            "pad of nothing", [](const Tensors& x) { return pad(x[0], {1}, {1}); }, {{.shape = {0}}}, exact);
    }
    SUBCASE("refuses widths that do not fit") {
        CHECK_THROWS_WITH_AS(pad(input("x", {3}), {1, 1}, {1, 1}),
                             "pad: 2 and 2 widths given, but x has shape [3]; it needs one of each for every axis",
                             ShapeError);
        CHECK_THROWS_WITH_AS(pad(input("x", {3}), {-1}, {0}), "pad: negative width at axis 0; use slice to cut",
                             ShapeError);
    }
}
