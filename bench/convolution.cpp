// Convolution 3 x 3 by Winograd's algorithm at the shapes of ResNet-32, ResNet-18 and VGG-16, on one thread. The rate
// is effective: arithmetic of the definition over time, so that it compares with a direct convolution.

#include "core/array.h"
#include "core/kernels/dispatch.h"
#include "core/kernels/winograd.h"
#include "core/random.h"

#include <benchmark/benchmark.h>

namespace {

using namespace hemp;
using benchmark::Counter;
using benchmark::State;

void shapes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"N", "C", "K", "HW"})->Unit(benchmark::kMillisecond);
    b->Args({128, 16, 16, 32})->Args({128, 32, 32, 16})->Args({128, 64, 64, 8});
    b->Args({16, 64, 64, 56})->Args({16, 128, 128, 28})->Args({16, 256, 256, 14})->Args({16, 512, 512, 7});
    b->Args({128, 64, 64, 32})->Args({128, 64, 128, 16})->Args({128, 128, 128, 16})->Args({128, 256, 256, 8});
    b->Args({128, 512, 512, 4})->Args({128, 512, 512, 2});
}

Array memory(int64_t floats) { return Array({.shape = {floats}}); }

Array random_values(int64_t count) {
    Array  made = memory(count);
    Random random(1, 1);
    for (int64_t i = 0; i < count; ++i) {
        made.values<float>()[static_cast<size_t>(i)] = random.uniform(static_cast<uint64_t>(i)) - 0.5f;
    }
    return made;
}

float* data(Array& array) { return array.values<float>().data(); }

struct Layer {
    WinogradShape shape;
    Array         x, y, weights;

    explicit Layer(const State& state)
        : shape{state.range(0), state.range(1), state.range(2), state.range(3), state.range(3)},
          x(random_values(shape.images * shape.channel_blocks() * 16 * shape.height * shape.width)),
          y(random_values(shape.images * shape.filter_blocks() * 16 * shape.height * shape.width)),
          weights(random_values(shape.filters * shape.channels * 9)) {}

    void report(State& state) const {
        double products = static_cast<double>(shape.filters * shape.channels * 9) *
                          static_cast<double>(shape.images * shape.height * shape.width);
        state.counters["FLOP/s"] = Counter(2 * products, Counter::kIsIterationInvariantRate);
        state.SetLabel(std::string(name_of(instruction_set())));
    }
};

void convolve(State& state, bool rotated) {
    Layer            layer(state);
    WinogradShape    s        = layer.shape;
    Array            prepared = memory(s.prepared_floats());
    Array            scratch  = memory(s.forward_scratch_floats());
    WinogradOperands operands{data(layer.x), {}, data(layer.weights), rotated, false, data(layer.y)};
    for (auto _ : state) {
        for (int64_t piece = 0; piece < s.prepare_pieces(); ++piece) {
            winograd().prepare(s, operands, piece, data(prepared));
        }
        for (int64_t piece = 0; piece < s.forward_pieces(); ++piece) {
            winograd().forward(s, operands, data(prepared), piece, data(scratch));
        }
    }
    layer.report(state);
}

void winograd_forward(State& state) { convolve(state, false); }
BENCHMARK(winograd_forward)->Apply(shapes);

void winograd_data_gradient(State& state) { convolve(state, true); }
BENCHMARK(winograd_data_gradient)->Apply(shapes);

void winograd_weight_gradient(State& state) {
    Layer         layer(state);
    WinogradShape s       = layer.shape;
    Array         partial = memory(s.partial_floats());
    Array         scratch = memory(s.gradient_scratch_floats());
    for (auto _ : state) {
        for (int64_t piece = 0; piece < s.gradient_pieces(); ++piece) {
            winograd().weight_gradient(s, data(layer.x), {}, data(layer.y), piece, data(partial), data(scratch));
        }
        for (int64_t piece = 0; piece < s.sum_pieces(); ++piece) {
            winograd().sum_weight_gradient(s, data(partial), piece, data(layer.weights));
        }
    }
    layer.report(state);
}
BENCHMARK(winograd_weight_gradient)->Apply(shapes);

}  // namespace

BENCHMARK_MAIN();
