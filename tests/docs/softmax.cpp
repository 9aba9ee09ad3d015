// docs/softmax.md: the gradient of the softmax from paper to test.

#include "core/ops/softmax.h"

#include "core/grad.h"
#include "core/ops/divide.h"
#include "core/ops/exp.h"
#include "core/ops/expand.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/ops/subtract.h"
#include "core/random.h"
#include "core/run/program.h"
#include "tests/arrays.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

namespace {

constexpr int64_t rows = 3, columns = 5;

// snippet: composed
Tensor composed_softmax(const Tensor& x) {
    Tensor top   = max(x, {.axes = {-1}, .keep = true});
    Tensor power = exp(x - top);
    return power / sum(power, {.axes = {-1}, .keep = true});
}
// end of snippet

// snippet: plain
/// sum over c of weight[c] * softmax(x)[c], in double
double weighted(const std::vector<double>& x, const std::vector<double>& weight) {
    double above = 0, below = 0;
    for (size_t c = 0; c < x.size(); ++c) {
        above += weight[c] * std::exp(x[c]);
        below += std::exp(x[c]);
    }
    return above / below;
}
// end of snippet

}  // namespace

TEST_CASE("the gradient of the softmax agrees with three other ways to it") {
    Array   x_values = random_matrix(rows, columns, 0), weights = random_matrix(rows, columns, 1);
    Tensor  x = variable("x", x_values), w = constant(weights);
    Program p =
        compile({grad(sum(w * softmax(x)), {x})[0].gradient, grad(sum(w * composed_softmax(x)), {x})[0].gradient});
    p.run();
    std::span<const float> built = p.output(0).values<float>(), composed = p.output(1).values<float>();
    for (size_t row = 0; row < rows; ++row) {
        std::vector<double> values, weight;
        for (size_t c = 0; c < columns; ++c) {
            values.push_back(x_values.values<float>()[row * columns + c]);
            weight.push_back(weights.values<float>()[row * columns + c]);
        }
        for (size_t c = 0; c < columns; ++c) {
            CAPTURE(row);
            CAPTURE(c);
            // snippet: differences
            constexpr double h     = 1e-5;
            auto             above = values, below = values;
            above[c] += h;
            below[c] -= h;
            double difference = (weighted(above, weight) - weighted(below, weight)) / (2 * h);
            CHECK(built[row * columns + c] == doctest::Approx(difference).epsilon(1e-5));
            // end of snippet
            CHECK(composed[row * columns + c] == doctest::Approx(difference).epsilon(1e-5));
        }
    }
}

TEST_CASE("the sum of a softmax has no gradient, so a test with equal weights proves nothing") {
    Tensor  x = variable("x", random_matrix(rows, columns, 0));
    Program p = compile({grad(sum(softmax(x)), {x})[0].gradient});
    p.run();
    for (float each : p.output(0).values<float>()) {
        CHECK(std::abs(each) < 1e-6f);
    }
}
