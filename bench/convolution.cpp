// Convolution 3 x 3 by Winograd's algorithm at the shapes of ResNet-32, ResNet-18 and VGG-16, on one thread. The rate
// is effective: arithmetic of the definition over time, so that it compares with a direct convolution.

#include "core/kernels/dispatch.h"
#include "core/kernels/winograd.h"

#include <benchmark/benchmark.h>

#include <vector>

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

std::vector<float> values(int64_t count) {
    std::vector<float> made(static_cast<size_t>(count));
    uint32_t           state = 1;
    for (float& value : made) {
        state = state * 1664525 + 1013904223;
        value = static_cast<float>(state >> 8) / static_cast<float>(1 << 24) - 0.5f;
    }
    return made;
}

struct Layer {
    WinogradShape      shape;
    std::vector<float> x, y, weights;

    explicit Layer(const State& state)
        : shape{state.range(0), state.range(1), state.range(2), state.range(3), state.range(3)},
          x(values(shape.images * shape.channel_blocks() * 16 * shape.height * shape.width)),
          y(values(shape.images * shape.filter_blocks() * 16 * shape.height * shape.width)),
          weights(values(shape.filters * shape.channels * 9)) {}

    void report(State& state) const {
        double products = static_cast<double>(shape.filters * shape.channels * 9) *
                          static_cast<double>(shape.images * shape.height * shape.width);
        state.counters["FLOP/s"] = Counter(2 * products, Counter::kIsIterationInvariantRate);
        state.SetLabel(std::string(name_of(instruction_set())));
    }
};

void convolve(State& state, bool rotated) {
    Layer              layer(state);
    WinogradShape      s = layer.shape;
    std::vector<float> prepared(static_cast<size_t>(s.prepared_floats()));
    std::vector<float> scratch(static_cast<size_t>(s.forward_scratch_floats()));
    WinogradOperands   operands{layer.x.data(), layer.weights.data(), rotated, prepared.data(), layer.y.data(), false};
    for (auto _ : state) {
        for (int64_t piece = 0; piece < s.prepare_pieces(); ++piece) {
            winograd().prepare(s, operands, piece);
        }
        for (int64_t piece = 0; piece < s.forward_pieces(); ++piece) {
            winograd().forward(s, operands, piece, scratch.data());
        }
    }
    layer.report(state);
}

void winograd_forward(State& state) { convolve(state, false); }
BENCHMARK(winograd_forward)->Apply(shapes);

void winograd_data_gradient(State& state) { convolve(state, true); }
BENCHMARK(winograd_data_gradient)->Apply(shapes);

void winograd_weight_gradient(State& state) {
    Layer              layer(state);
    WinogradShape      s = layer.shape;
    std::vector<float> partial(static_cast<size_t>(s.partial_floats()));
    std::vector<float> scratch(static_cast<size_t>(s.gradient_scratch_floats()));
    for (auto _ : state) {
        for (int64_t piece = 0; piece < s.gradient_pieces(); ++piece) {
            winograd().weight_gradient(s, layer.x.data(), layer.y.data(), piece, partial.data(), scratch.data());
        }
        for (int64_t piece = 0; piece < s.sum_pieces(); ++piece) {
            winograd().sum_weight_gradient(s, partial.data(), piece, layer.weights.data());
        }
    }
    layer.report(state);
}
BENCHMARK(winograd_weight_gradient)->Apply(shapes);

}  // namespace

BENCHMARK_MAIN();
