// The whole engine in small: a few numbers, an expression, its gradient, the gradient of its gradient, one step
// downhill. Every number printed can be checked by hand.

#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/multiply.h"
#include "core/ops/subtract.h"
#include "core/run/program.h"

#include <fmt/core.h>

using namespace hemp;

int main() {
    // snippet: graph
    Tensor a = variable("a", Array(2.0f));
    Tensor b = variable("b", Array(-3.0f));
    Tensor c = variable("c", Array(10.0f));
    Tensor d = a * b + c;
    Tensor e = d * d;  // nothing is computed yet: these are nodes of a graph

    Gradients first  = grad(e, {a, b, c});            // more nodes
    Gradients second = grad(first[0].gradient, {a});  // a gradient is a tensor like any other
    // end of snippet

    // snippet: program
    Updates updates;
    for (const Gradient& each : first) {
        updates.push_back({each.variable, each.variable - 0.01f * each.gradient});
    }
    Program step = compile({e, first[0].gradient, first[1].gradient, first[2].gradient, second[0].gradient}, updates);
    step.run();
    // end of snippet

    fmt::print("e       = {:g}\n", step.scalar(0));                   // (2 * -3 + 10)^2
    fmt::print("de/da   = {:g}\n", step.scalar(1));                   // 2 d b
    fmt::print("de/db   = {:g}\n", step.scalar(2));                   // 2 d a
    fmt::print("de/dc   = {:g}\n", step.scalar(3));                   // 2 d
    fmt::print("d2e/da2 = {:g}\n", step.scalar(4));                   // 2 b^2
    fmt::print("a is now {:.2f}\n", value_of(a).values<float>()[0]);  // 2 + 0.01 * 24
    step.run();
    fmt::print("e is now {:.2f}\n", step.scalar(0));  // (2.24 * -3.16 + 9.92)^2
}

// Prints:
// e       = 16
// de/da   = -24
// de/db   = 16
// de/dc   = 8
// d2e/da2 = 18
// a is now 2.24
// e is now 8.07
