// Optimizers beside plain versions in double, over several steps of one problem: the loss is sum(c w^2) / 2, whose
// gradient is c w.

#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/run/program.h"
#include "optim/adam.h"
#include "optim/clip.h"
#include "optim/sgd.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

using namespace hemp;

namespace {

constexpr int                  steps = 7;
const std::vector<double>      curvature{1, 0.5, -2, 3};
const std::vector<float>       start{1, -2, 0.25f, 4};
constexpr std::array<float, 3> rates{0.1f, 0.05f, 0.02f};  // by step: the rate is an input, not a constant

/// The weights after training with what `optimizer` makes of the gradients.
template <class Optimizer>
std::vector<float> trained(const Optimizer& optimizer) {
    Tensor w    = variable("w", Array(Shape{4}, start));
    Tensor c    = constant(Array(Shape{4}, std::vector<float>(curvature.begin(), curvature.end())));
    Tensor rate = input("rate", {});
    Tensor loss = 0.5f * sum(c * w * w);

    Program program = compile({loss}, optimizer(grad(loss, {w}), rate));
    for (int step = 0; step < steps; ++step) {
        program.run({{rate, Array(rates[step % 3])}});
    }
    std::span<const float> values = value_of(w).values<float>();
    return {values.begin(), values.end()};
}

/// The same with `move(w, gradient, rate, state, step)` for each weight; state is two numbers that begin at 0.
template <class Move>
void check_against(const std::vector<float>& got, const Move& move) {
    for (size_t i = 0; i < start.size(); ++i) {
        double w        = start[i];
        double state[2] = {};
        for (int step = 0; step < steps; ++step) {
            move(w, curvature[i] * w, static_cast<double>(rates[step % 3]), state, step + 1);
        }
        CAPTURE(i);
        CHECK(got[i] == doctest::Approx(w).epsilon(2e-5));
    }
}

}  // namespace

TEST_CASE("SGD") {
    SUBCASE("w = w - rate g") {
        check_against(trained([](const Gradients& g, Tensor rate) { return sgd(g, {.rate = rate}); }),
                      [](double& w, double g, double rate, double*, int) { w -= rate * g; });
    }
    SUBCASE("with momentum: v = momentum v + g, w = w - rate v") {
        check_against(trained([](const Gradients& g, Tensor rate) { return sgd(g, {.rate = rate, .momentum = 0.9f}); }),
                      [](double& w, double g, double rate, double* v, int) {
                          v[0] = 0.9 * v[0] + g;
                          w -= rate * v[0];
                      });
    }
    SUBCASE("with Nesterov's momentum: w = w - rate (g + momentum v)") {
        check_against(trained([](const Gradients& g, Tensor rate) {
                          return sgd(g, {.rate = rate, .momentum = 0.9f, .nesterov = true});
                      }),
                      [](double& w, double g, double rate, double* v, int) {
                          v[0] = 0.9 * v[0] + g;
                          w -= rate * (g + 0.9 * v[0]);
                      });
    }
    SUBCASE("with coupled decay: the decay goes through the momentum") {
        check_against(trained([](const Gradients& g, Tensor rate) {
                          return sgd(g, {.rate = rate, .momentum = 0.9f, .weight_decay = 0.1f});
                      }),
                      [](double& w, double g, double rate, double* v, int) {
                          v[0] = 0.9 * v[0] + g + 0.1 * w;
                          w -= rate * v[0];
                      });
    }
    SUBCASE("with decoupled decay: the decay acts on the weight alone") {
        check_against(trained([](const Gradients& g, Tensor rate) {
                          return sgd(g, {.rate = rate, .momentum = 0.9f, .weight_decay = 0.1f, .decoupled = true});
                      }),
                      [](double& w, double g, double rate, double* v, int) {
                          v[0] = 0.9 * v[0] + g;
                          w -= rate * (v[0] + 0.1 * w);
                      });
    }
}

namespace {

double adam_step(double g, double* state, int t) {
    state[0] = 0.9 * state[0] + 0.1 * g;
    state[1] = 0.999 * state[1] + 0.001 * g * g;
    return state[0] / (1 - std::pow(0.9, t)) / (std::sqrt(state[1] / (1 - std::pow(0.999, t))) + 1e-8);
}

}  // namespace

TEST_CASE("Adam") {
    SUBCASE("with both means corrected for their start at zero") {
        check_against(
            trained([](const Gradients& g, Tensor rate) { return adam(g, {.rate = rate}); }),
            [](double& w, double g, double rate, double* state, int t) { w -= rate * adam_step(g, state, t); });
    }
    SUBCASE("with decoupled decay is AdamW") {
        check_against(
            trained([](const Gradients& g, Tensor rate) { return adam(g, {.rate = rate, .weight_decay = 0.1f}); }),
            [](double& w, double g, double rate, double* state, int t) {
                w -= rate * (adam_step(g, state, t) + 0.1 * w);
            });
    }
    SUBCASE("with coupled decay: the decay goes through both means") {
        check_against(trained([](const Gradients& g, Tensor rate) {
                          return adam(g, {.rate = rate, .weight_decay = 0.1f, .decoupled = false});
                      }),
                      [](double& w, double g, double rate, double* state, int t) {
                          w -= rate * adam_step(g + 0.1 * w, state, t);
                      });
    }
}

TEST_CASE("gradients clipped by their common norm") {
    auto clipped = [](float most) {
        Tensor    a = variable("a", Array(0.0f)), b = variable("b", Array(Type{{2}}));
        Gradients g =
            clip_by_norm({{a, constant(2.0f)}, {b, constant(Array(Shape{2}, std::vector<float>{3, -6}))}}, most);
        Program p = compile({g[0].gradient, g[1].gradient});
        p.run();
        return std::vector<float>{p.scalar(0), p.output(1).values<float>()[0], p.output(1).values<float>()[1]};
    };
    SUBCASE("stay as they are below it") { CHECK(clipped(7.5f) == std::vector<float>{2, 3, -6}); }
    SUBCASE("are all scaled alike above it") {  // the norm is 7
        std::vector<float> g = clipped(3.5f);
        CHECK(g[0] == doctest::Approx(1.0));
        CHECK(g[1] == doctest::Approx(1.5));
        CHECK(g[2] == doctest::Approx(-3.0));
    }
}
