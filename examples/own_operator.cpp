// An operator of your own, outside the library: the running sum along the last axis. A descriptor says what its result
// is, how its gradient is built, and how its work is cut; nothing else in the engine needs to know of it.

#include "core/grad.h"
#include "core/join.h"
#include "core/operator.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/run/program.h"

#include <fmt/core.h>

using namespace hemp;

// snippet: operator
/// y[.., i] = x[.., 0] + ... + x[.., i], or from the end when `reverse` is 1.
Tensor running_sum(const Tensor& x, int64_t reverse = 0);

namespace {

Type infer(const Node& node) {
    const Type& x = node.inputs[0].type();
    expect(x.dtype == DType::f32, "running_sum: x has elements of type {}; it needs f32 (use cast)", name_of(x.dtype));
    expect(x.shape.rank() >= 1, "running_sum: x has shape {}; it needs at least one axis", x.shape);
    return x;
}

// x[i] is in y[i] and in all that follow, so its gradient is the sum of dy from i to the end: the same operator in the
// other direction, which therefore has a gradient too.
Tensors gradient(const Tensor& y, const Tensor& dy) { return {running_sum(dy, 1 - y.node().integer("reverse"))}; }

// A piece is a row: pieces do not depend on each other, and their number depends on the shape alone.
Work work(const Node& node) {
    int64_t columns = node.type.shape[-1];
    int64_t rows    = columns == 0 ? 0 : node.type.shape.size() / columns;
    bool    reverse = node.integer("reverse") == 1;
    return {.stages = {{rows, [=](const Buffers& memory, int64_t row) {
                            const float* x     = memory.input<float>(0) + row * columns;
                            float*       y     = memory.out<float>() + row * columns;
                            double       total = 0;
                            for (int64_t i = 0; i < columns; ++i) {
                                int64_t at = reverse ? columns - 1 - i : i;
                                total += x[at];
                                y[at] = static_cast<float>(total);
                            }
                        }}}};
}

const Operator running_sum_operator{
    .name     = "running_sum",
    .infer    = infer,
    .gradient = gradient,
    .work     = work,
    .in_place = {0},  // x[at] is read before y[at] is written
};

}  // namespace

Tensor running_sum(const Tensor& x, int64_t reverse) { return node(running_sum_operator, {x}, {{"reverse", reverse}}); }
// end of snippet

int main() {
    // snippet: check
    Tensor  x    = input("x", {4});
    Tensor  y    = running_sum(x);
    Tensor  loss = 0.5f * sum(y * y);
    Program run  = compile({loss, y, grad(loss, {x})[0].gradient});

    Array values(Shape{4}, std::vector<float>{1, 2, 3, 4});
    run.run({{x, values}});
    fmt::print("y           = {}\n", join(run.output(1).values<float>(), " "));
    fmt::print("gradient    = {}\n", join(run.output(2).values<float>(), " "));

    // The loss is a polynomial of degree two: its central differences are its gradient, without any error.
    std::vector<float> differences;
    for (float& each : values.values<float>()) {
        each += 0.5f;
        run.run({{x, values}});
        float above = run.scalar(0);
        each -= 1.0f;
        run.run({{x, values}});
        differences.push_back(above - run.scalar(0));
        each += 0.5f;
    }
    fmt::print("differences = {}\n", join(differences, " "));
    // end of snippet

    try {
        running_sum(constant(1.0f));
    } catch (const ShapeError& error) {
        fmt::print("{}\n", error.what());
    }
}

// Prints:
// y           = 1 3 6 10
// gradient    = 20 19 16 10
// differences = 20 19 16 10
// running_sum: x has shape []; it needs at least one axis
