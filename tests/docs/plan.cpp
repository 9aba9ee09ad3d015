// The plan of a small training step, as docs/engine-plan.md shows it.

#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/matmul.h"
#include "core/ops/relu.h"
#include "core/run/program.h"
#include "optim/sgd.h"

#include <fmt/core.h>

using namespace hemp;

int main() {
    // snippet: step
    Tensor x      = input("x", {64, 784});
    Tensor labels = input("labels", {64}, DType::i32);
    Tensor rate   = input("rate", {});
    Tensor w1     = variable("w1", Array(Type{{300, 784}}));
    Tensor b1     = variable("b1", Array(Type{{300}}));
    Tensor w2     = variable("w2", Array(Type{{10, 300}}));
    Tensor hidden = relu(matmul(x, w1, {.transpose_b = true}) + b1);
    Tensor loss   = cross_entropy(matmul(hidden, w2, {.transpose_b = true}), labels);

    Updates updates = sgd(grad(loss, {w1, b1, w2}), {.rate = rate, .momentum = 0.9f});
    Program step    = compile({loss}, updates, {.threads = 1, .verify = true});
    Array   images(x.type()), classes(labels.type());
    step.run({{x, images}, {labels, classes}, {rate, Array(0.1f)}});
    for (const StepReport& each : step.report()) {
        fmt::print("{:43} {:14} {:6.2f} Mflop {:6.0f} kB{}\n", each.name, each.result, each.cost.flop / 1e6,
                   each.cost.bytes / 1e3, each.in_place ? " in place" : "");
    }
    fmt::print("arena: {:.0f} kB, values and scratch; values that share nothing: {:.0f} kB\n",
               static_cast<double>(step.arena_bytes()) / 1e3, static_cast<double>(step.separate_bytes()) / 1e3);
    // end of snippet
}

// Prints:
// cast                                        f32 [64]         0.00 Mflop      1 kB
// matmul                                      f32 [64, 300]   30.11 Mflop   1218 kB
// add+relu                                    f32 [64, 300]    0.04 Mflop    155 kB in place
// matmul                                      f32 [64, 10]     0.38 Mflop     91 kB
// log_softmax                                 f32 [64, 10]     0.00 Mflop      5 kB in place
// equal+negate+select+sum+select+negate+sum   f32 [64, 1]      0.00 Mflop      6 kB
// equal+select+negate+exp+multiply+subtract   f32 [64, 10]     0.00 Mflop      8 kB in place
// multiply                                    f32 []           0.00 Mflop      0 kB in place
// matmul                                      f32 [10, 300]    0.38 Mflop     91 kB
// matmul                                      f32 [64, 300]    0.38 Mflop     91 kB
// relu_gradient+sum                           f32 [300]        0.04 Mflop    232 kB in place
// multiply_add+multiply+subtract              f32 [10, 300]    0.01 Mflop     60 kB in place
// multiply_add+multiply+subtract              f32 [300]        0.00 Mflop      6 kB in place
// matmul                                      f32 [300, 784]  30.11 Mflop   1218 kB
// multiply_add+multiply+subtract              f32 [300, 784]   0.94 Mflop   4704 kB in place
// arena: 1319 kB, values and scratch; values that share nothing: 1270 kB
