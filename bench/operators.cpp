// Operators at the shapes of LeNet-300-100 and LeNet-5 with a batch of 100, as planned programs on one thread:
// arithmetic and memory rates. The matrix product stands beside OpenBLAS where that is installed, the softmax beside
// its composition of other operators.

#include "bench/programs.h"
#include "core/grad.h"
#include "core/kernels/dispatch.h"
#include "core/ops/add.h"
#include "core/ops/conv2d.h"
#include "core/ops/divide.h"
#include "core/ops/exp.h"
#include "core/ops/matmul.h"
#include "core/ops/multiply.h"
#include "core/ops/pool.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "core/ops/softmax.h"
#include "core/ops/subtract.h"

#ifdef HEMP_BENCH_OPENBLAS
extern "C" {
void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float* a, int lda,
                 const float* b, int ldb, float beta, float* c, int ldc);
void openblas_set_num_threads(int threads);
}
#endif

namespace {

using namespace hemp;
using benchmark::Counter;
using benchmark::State;

/// Runs a program that computes `outputs`, with the instruction set as label.
void run(State& state, const Tensors& outputs) {
    Program program = compile(outputs, {}, {.threads = 1});
    hemp::run(state, program);
    state.SetLabel(std::string(name_of(instruction_set())));
}

// --- matrix products: batch, inputs, outputs of LeNet-300-100's and LeNet-5's layers, then square ones

void products(benchmark::internal::Benchmark* b) {
    b->ArgNames({"m", "k", "n"});
    b->Args({100, 784, 300})->Args({100, 300, 100})->Args({100, 100, 10});
    b->Args({100, 800, 500})->Args({100, 500, 10})->Args({512, 512, 512})->Args({1024, 1024, 1024});
}

void matmul_linear(State& state) {
    run(state, {matmul(values({state.range(0), state.range(1)}), values({state.range(2), state.range(1)}),
                       {.transpose_b = true})});
}
BENCHMARK(matmul_linear)->Apply(products);

#ifdef HEMP_BENCH_OPENBLAS
void matmul_openblas(State& state) {
    int m = static_cast<int>(state.range(0)), k = static_cast<int>(state.range(1)),
        n   = static_cast<int>(state.range(2));
    Array a = random_values({m, k}), b = random_values({n, k}), c = random_values({m, n});
    openblas_set_num_threads(1);
    for (auto _ : state) {
        constexpr int row_major = 101, as_is = 111, transposed = 112;
        cblas_sgemm(row_major, as_is, transposed, m, n, k, 1, a.values<float>().data(), k, b.values<float>().data(), k,
                    0, c.values<float>().data(), n);
        benchmark::DoNotOptimize(c.memory());
    }
    state.counters["FLOP/s"] = Counter(2.0 * m * n * k, Counter::kIsIterationInvariantRate);
}
BENCHMARK(matmul_openblas)->Apply(products);
#endif

// --- convolutions of LeNet-5: channels, size, filters

void convolutions(benchmark::internal::Benchmark* b) {
    b->ArgNames({"channels", "size", "filters"})->Args({1, 28, 20})->Args({20, 12, 50});
}

void conv2d_forward(State& state) {
    run(state, {conv2d(values({100, state.range(0), state.range(1), state.range(1)}),
                       values({state.range(2), state.range(0), 5, 5}))});
}
void conv2d_to_data(State& state) {
    int64_t size = state.range(1);
    run(state,
        {conv2d_data_gradient(values({100, state.range(2), size - 4, size - 4}),
                              values({state.range(2), state.range(0), 5, 5}), Shape{100, state.range(0), size, size})});
}
void conv2d_to_weight(State& state) {
    int64_t size = state.range(1);
    run(state, {conv2d_weight_gradient(values({100, state.range(2), size - 4, size - 4}),
                                       values({100, state.range(0), size, size}),
                                       Shape{state.range(2), state.range(0), 5, 5})});
}
BENCHMARK(conv2d_forward)->Apply(convolutions);
BENCHMARK(conv2d_to_data)->Apply(convolutions);
BENCHMARK(conv2d_to_weight)->Apply(convolutions);

void max_pool_forward(State& state) {
    run(state, {max_pool(values({100, state.range(0), state.range(1), state.range(1)}))});
}
void max_pool_gradient(State& state) {
    Tensor x = values({100, state.range(0), state.range(1), state.range(1)});
    run(state, {grad(sum(max_pool(x)), {x})[0].gradient});
}
BENCHMARK(max_pool_forward)->Args({20, 24})->Args({50, 8});
BENCHMARK(max_pool_gradient)->Args({20, 24})->Args({50, 8});

// --- softmax: one node, and what it would be as a composition

void softmax_node(State& state) { run(state, {softmax(values({100, state.range(0)}))}); }
void softmax_composed(State& state) {
    Tensor x = values({100, state.range(0)});
    Tensor e = exp(x - max(x, {.axes = {1}, .keep = true}));
    run(state, {e / sum(e, {.axes = {1}, .keep = true})});
}
BENCHMARK(softmax_node)->Arg(10)->Arg(1000);
BENCHMARK(softmax_composed)->Arg(10)->Arg(1000);

// --- elementwise chains: an activation, and an update with momentum, in cache and beyond it

void bias_and_relu(State& state) { run(state, {relu(values({100, state.range(0)}) + values({state.range(0)}))}); }
BENCHMARK(bias_and_relu)->Arg(300)->Arg(100000);

void momentum_update(State& state) {
    Shape  shape{state.range(0)};
    Tensor momentum = values(shape) * 0.9f + values(shape);
    run(state, {momentum, values(shape) - momentum * 0.1f});
}
BENCHMARK(momentum_update)->Arg(266610)->Arg(10000000);

}  // namespace

BENCHMARK_MAIN();
