// How the entropy's exact gradient (tables, value, slopes) grows with weights, levels and order; and quantization.
// Time is that of a planned program: its memory is there before.

#include "hemp/entropy.h"

#include "core/grad.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/random.h"
#include "core/run/program.h"
#include "hemp/quantize.h"
#include "hemp/quantizer.h"

#include <benchmark/benchmark.h>

using namespace hemp;

namespace {

Tensor normals(int64_t size, uint64_t stream) {
    Random random(1, stream);
    Array  array({Shape{size}, DType::f32});
    for (size_t i = 0; float& value : array.values<float>()) {
        value = 0.05f * random.normal(i++);
    }
    return variable("values", std::move(array));
}

Tensor levels_for(const Tensor& weights, int64_t count) {
    auto values = value_of(weights).values<float>();
    return variable("levels", Array(Shape{count}, lloyd_max_gaussian(values, static_cast<int>(count)).levels));
}

void gradient_of(benchmark::State& state, const std::vector<int64_t>& sizes, int64_t levels, EntropyOptions options,
                 int64_t threads) {
    Tensors weights;
    Tensors level;
    int64_t total = 0;
    for (int64_t size : sizes) {
        weights.push_back(normals(size, weights.size()));
        level.push_back(levels_for(weights.back(), levels));
        total += size;
    }
    Tensor  h = entropy(weights, level, options);
    Tensors outputs{h};
    for (const Gradient& gradient : grad(h, weights)) {
        outputs.push_back(gradient.gradient);
    }
    Program program = compile(outputs, {}, {.threads = static_cast<int>(threads)});
    program.run();
    for (auto _ : state) {
        program.run();
    }
    state.counters["MiB"] = static_cast<double>(program.arena_bytes()) * 0x1p-20;
    state.SetItemsProcessed(state.iterations() * total);
}

void lenet5(benchmark::State& state) {
    gradient_of(state, {500, 25000, 400000, 5000}, state.range(1),
                {.order = static_cast<int>(state.range(0)), .conditional = state.range(2) != 0}, state.range(3));
}

void growth(benchmark::State& state) {
    gradient_of(state, {state.range(0)}, state.range(1), {.order = static_cast<int>(state.range(2))}, 1);
}

void quantize_and_gradient(benchmark::State& state) {
    Tensor  w       = normals(state.range(0), 0);
    Tensor  levels  = levels_for(w, state.range(1));
    Tensor  y       = quantize(w, levels);
    Tensor  loss    = sum(y * normals(state.range(0), 1));
    Program program = compile({loss, grad(loss, {levels})[0].gradient}, {}, {.threads = 1});
    program.run();
    for (auto _ : state) {
        program.run();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

void fit_lloyd_max(benchmark::State& state) {
    Tensor w      = normals(state.range(0), 0);
    auto   values = value_of(w).values<float>();
    for (auto _ : state) {
        benchmark::DoNotOptimize(lloyd_max(values, static_cast<int>(state.range(1))));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(lenet5)
    ->ArgNames({"order", "levels", "conditional", "threads"})
    ->ArgsProduct({{1, 2, 3, 4}, {4, 16}, {0, 1}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(growth)
    ->ArgNames({"weights", "levels", "order"})
    ->ArgsProduct({{10000, 100000, 1000000}, {4}, {3}})    // with the weights
    ->ArgsProduct({{100000}, {2, 7, 16, 64, 256}, {2}})    // with the levels
    ->ArgsProduct({{100000}, {4}, {1, 2, 4, 5, 6, 7, 8}})  // with the order
    ->ArgsProduct({{100000}, {64}, {4}})                   // hashed
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(quantize_and_gradient)
    ->ArgNames({"weights", "levels"})
    ->ArgsProduct({{430500}, {4, 7, 16, 256}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(fit_lloyd_max)
    ->ArgNames({"weights", "levels"})
    ->ArgsProduct({{400000}, {4, 16, 256}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
