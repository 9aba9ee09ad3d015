#pragma once
// Planned programs as benchmarks: their operands, and the rates at which they run.

#include "core/random.h"
#include "core/run/program.h"

#include <benchmark/benchmark.h>

namespace hemp {

inline Array random_values(const Shape& shape) {
    Array  array({.shape = shape});
    Random random(1, 1);
    for (size_t i = 0; i < array.values<float>().size(); ++i) {
        array.values<float>()[i] = random.uniform(i) - 0.5f;
    }
    return array;
}

/// Random values that the planner does not take for constants.
inline Tensor values(const Shape& shape) { return variable("x", random_values(shape)); }

/// Of all its steps.
inline Cost cost_of(const Program& program) {
    Cost cost;
    for (const StepReport& step : program.report()) {
        cost.flop += step.cost.flop;
        cost.bytes += step.cost.bytes;
    }
    return cost;
}

/// Runs a program, and reports the rates of its arithmetic and memory traffic.
inline void run(benchmark::State& state, Program& program) {
    using benchmark::Counter;
    Cost cost = cost_of(program);
    for (auto _ : state) {
        program.run();
    }
    state.counters["FLOP/s"] = Counter(cost.flop, Counter::kIsIterationInvariantRate);
    state.counters["B/s"]    = Counter(cost.bytes, Counter::kIsIterationInvariantRate);
}

}  // namespace hemp
