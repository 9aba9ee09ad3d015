#include "layers/batch_norm.h"

#include "core/run/program.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;
using doctest::Approx;

TEST_CASE("a batch norm layer") {
    Layer  layer = batch_norm("bn", 2);
    Tensor x     = input("x", {4, 2});
    // Channel 0: mean 4, variance 5 (of a sample 20/3); channel 1: constant 3.
    Array values(Shape{4, 2}, std::vector<float>{1, 3, 3, 3, 5, 3, 7, 3});
    auto  parameter = [&](size_t i) { return value_of(layer.parameters.at(i).variable).values<float>(); };

    SUBCASE("has PyTorch's names and first values; the optimizer leaves the statistics alone") {
        REQUIRE(layer.parameters.size() == 4);
        CHECK(layer.parameters[0].name == "bn.weight");
        CHECK(layer.parameters[1].name == "bn.bias");
        CHECK(layer.parameters[2].name == "bn.running_mean");
        CHECK(layer.parameters[3].name == "bn.running_var");
        CHECK(layer.parameters[1].trained());
        CHECK_FALSE(layer.parameters[2].trained());
        CHECK_FALSE(layer.parameters[3].trained());
        CHECK(parameter(0)[1] == 1);
        CHECK(parameter(1)[1] == 0);
        CHECK(parameter(2)[1] == 0);
        CHECK(parameter(3)[1] == 1);
    }
    SUBCASE("in training uses the batch's statistics, and moves the running ones a tenth of the way") {
        Pass    pass{.training = true};
        Tensor  y       = layer.forward(x, pass);
        Program program = compile({y}, pass.updates);
        program.run({{x, values}});
        CHECK(program.output(0).values<float>()[0] == Approx(-3 / std::sqrt(5.0)));
        CHECK(program.output(0).values<float>()[1] == Approx(0.0));
        CHECK(parameter(2)[0] == Approx(0.4));
        CHECK(parameter(2)[1] == Approx(0.3));
        CHECK(parameter(3)[0] == Approx(0.9 + 0.1 * 20 / 3));
        CHECK(parameter(3)[1] == Approx(0.9));
    }
    SUBCASE("in use takes the running statistics and updates nothing") {
        parameter(2)[0] = 4;
        parameter(3)[0] = 9;
        parameter(0)[0] = 6;
        parameter(1)[0] = 0.5f;
        Pass    pass;
        Tensor  y       = layer.forward(x, pass);
        Program program = compile({y});
        program.run({{x, values}});
        CHECK(pass.updates.empty());
        CHECK(program.output(0).values<float>()[0] == Approx(-5.5).epsilon(1e-5));
        CHECK(program.output(0).values<float>()[1] == Approx(3.0).epsilon(1e-5));
    }
}
