// A line through noisy points: an input, a loss, an optimizer, a loop. The points lie around y = 3 x - 2.

#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/ops/subtract.h"
#include "core/random.h"
#include "core/run/program.h"
#include "optim/sgd.h"

#include <fmt/core.h>

using namespace hemp;

namespace {

constexpr size_t points = 64;

float value(const Tensor& scalar) { return value_of(scalar).values<float>()[0]; }

}  // namespace

int main() {
    Array  xs(Type{{points}}), ys(Type{{points}});
    Random place(1, 0), noise(1, 1);  // the same numbers on every machine
    for (size_t i = 0; i < points; ++i) {
        xs.values<float>()[i] = 2 * place.uniform(i) - 1;
        ys.values<float>()[i] = 3 * xs.values<float>()[i] - 2 + 0.1f * noise.normal(i);
    }

    // snippet: fit
    Tensor x         = input("x", {points});
    Tensor y         = input("y", {points});
    Tensor rate      = input("rate", {});
    Tensor slope     = variable("slope", Array(0.0f));
    Tensor intercept = variable("intercept", Array(0.0f));

    Tensor  error = slope * x + intercept - y;
    Tensor  loss  = mean(error * error);
    Updates moves = sgd(grad(loss, {slope, intercept}), {.rate = rate, .momentum = 0.9f});
    Program step  = compile({loss}, moves);

    Array small(0.02f);
    for (int i = 0; i <= 200; ++i) {
        step.run({{x, xs}, {y, ys}, {rate, small}});
        if (i % 50 == 0) {
            fmt::print("step {:3}: loss {:.2f}, y = {:.1f} x {:+.1f}\n", i, step.scalar(0), value(slope),
                       value(intercept));
        }
    }
    // end of snippet
}

// Prints:
// step   0: loss 6.64, y = 0.0 x -0.1
// step  50: loss 0.03, y = 3.0 x -2.1
// step 100: loss 0.01, y = 3.0 x -2.0
// step 150: loss 0.01, y = 3.0 x -2.0
// step 200: loss 0.01, y = 3.0 x -2.0
