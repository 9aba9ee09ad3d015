#include "layers/dropout.h"

#include "core/run/program.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

/// The layer's result on 10,000 ones in training.
std::vector<float> dropped(const Layer& layer, int32_t at_step) {
    Tensor  step = input("step", {}, DType::i32);
    Pass    pass{.training = true, .step = step};
    Array   ones(Shape{10000}, std::vector<float>(10000, 1.0f));
    Program program = compile({layer.forward(constant(ones), pass)});
    program.run({{step, Array(Shape{}, std::vector<int32_t>{at_step})}});
    std::span<const float> values = program.output(0).values<float>();
    return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("a dropout layer") {
    Layer layer = dropout("drop", 0.2f, 1);

    SUBCASE("in use does nothing") {
        Pass   pass;
        Tensor x = input("x", {3, 4});
        CHECK(layer.forward(x, pass) == x);
    }
    SUBCASE("in training zeroes its share of elements and scales the others") {
        int zeros = 0;
        for (float each : dropped(layer, 0)) {
            zeros += each == 0;
            CHECK((each == 0 || each == 1.25f));
        }
        CHECK(zeros > 1840);  // 2,000 expected, deviation 40
        CHECK(zeros < 2160);
    }
    SUBCASE("is a function of seed, name and step") {
        CHECK(dropped(layer, 3) == dropped(dropout("drop", 0.2f, 1), 3));
        CHECK(dropped(layer, 3) != dropped(layer, 4));
        CHECK(dropped(layer, 3) != dropped(dropout("drop", 0.2f, 2), 3));
        CHECK(dropped(layer, 3) != dropped(dropout("other", 0.2f, 1), 3));
    }
    SUBCASE("says what it misses when a training pass has no step") {
        Pass pass{.training = true};
        CHECK_THROWS_WITH_AS(layer.forward(input("x", {3}), pass),
                             "dropout 'drop': a training pass has no step to draw from; set Pass::step", ShapeError);
    }
}
