// Convolutions in blocks of channels, and batch norm, at the shapes of ResNet, VGG-16 and MobileNetV2, as planned
// programs on one thread. The label is the algorithm that the planner takes; `peak` is the share of the arithmetic that
// a large matrix product reaches, and counts the definition's products, so that Winograd's algorithm may pass 1.
// Winograd's needs zeros around the image: the same layer without them, on an image as much larger, shows the direct
// algorithm.

#include "bench/programs.h"
#include "cli/machine.h"
#include "core/grad.h"
#include "core/ops/batch_norm.h"
#include "core/ops/channel_blocks.h"
#include "core/ops/conv2d.h"
#include "core/ops/conv2d_blocked.h"
#include "core/ops/depthwise_blocked.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "core/run/team.h"

#include <algorithm>

namespace {

using namespace hemp;
using benchmark::Counter;
using benchmark::State;

const Roofline& roofline() {
    static const Roofline measured = [] {
        use_threads(1);
        return measure_roofline();
    }();
    return measured;
}

/// Runs a program that computes `outputs`; the label is the algorithm of its slowest step.
void run(State& state, const Tensors& outputs) {
    Program program = compile(outputs, {}, {.threads = 1});
    program.profile();
    std::vector<StepReport> steps   = program.report();
    auto                    slowest = std::max_element(steps.begin(), steps.end(),
                                                       [](const StepReport& a, const StepReport& b) { return a.seconds < b.seconds; });
    hemp::run(state, program);
    state.counters["peak"] = Counter(cost_of(program).flop / roofline().flops, Counter::kIsIterationInvariantRate);
    state.SetLabel(slowest->algorithm);
}

/// A layer as the arguments of a benchmark tell: images, channels, filters (0: depthwise), rows and columns, kernel,
/// stride, padding.
struct Layer {
    explicit Layer(const State& state)
        : images(state.range(0)),
          channels(state.range(1)),
          filters(state.range(2)),
          size(state.range(3)),
          kernel(state.range(4)),
          options{.stride = {state.range(5), state.range(5)}, .padding = {state.range(6), state.range(6)}} {
        options.groups = depthwise() ? channels : 1;
    }

    bool    depthwise() const { return filters == 0; }
    int64_t results() const { return depthwise() ? channels : filters; }
    Shape   image() const { return {images, channels, size, size}; }
    Shape   weight() const { return {results(), depthwise() ? 1 : channels, kernel, kernel}; }
    Tensor  x() const {
         return values(stays_planar(image()) ? image() : Shape{images, blocks_of(channels), size, size, channel_block});
    }
    Tensor dy() const {
        int64_t length = (size + 2 * options.padding[0] - kernel) / options.stride[0] + 1;
        return values({images, blocks_of(results()), length, length, channel_block});
    }

    int64_t     images, channels, filters, size, kernel;
    ConvOptions options;
};

void forward(State& state) {
    Layer  layer(state);
    Tensor weight = values(layer.weight());
    run(state, {layer.depthwise() ? depthwise_blocked(layer.x(), weight, layer.options)
                                  : conv2d_blocked(layer.x(), weight, layer.options)});
}

void data_gradient(State& state) {
    Layer  layer(state);
    Tensor weight = values(layer.weight());
    run(state, {layer.depthwise() ? depthwise_blocked_data_gradient(layer.dy(), weight, layer.image(), layer.options)
                                  : conv2d_blocked_data_gradient(layer.dy(), weight, layer.image(), layer.options)});
}

void weight_gradient(State& state) {
    Layer layer(state);
    run(state,
        {layer.depthwise() ? depthwise_blocked_weight_gradient(layer.dy(), layer.x(), layer.weight(), layer.options)
                           : conv2d_blocked_weight_gradient(layer.dy(), layer.x(), layer.weight(), layer.options)});
}

using Benchmark = benchmark::internal::Benchmark;

void first_layers(Benchmark* b) {
    b->Args({128, 3, 16, 32, 3, 1, 1})->Args({128, 3, 64, 32, 3, 1, 1})->Args({16, 3, 64, 224, 7, 2, 3});
}

void other_layers(Benchmark* b) {
    // 3 x 3: ResNet-32, ResNet-18, VGG-16
    b->Args({128, 16, 16, 32, 3, 1, 1})->Args({128, 32, 32, 16, 3, 1, 1})->Args({128, 64, 64, 8, 3, 1, 1});
    b->Args({16, 64, 64, 56, 3, 1, 1})->Args({16, 128, 128, 28, 3, 1, 1})->Args({16, 256, 256, 14, 3, 1, 1});
    b->Args({16, 512, 512, 7, 3, 1, 1})->Args({128, 64, 64, 32, 3, 1, 1})->Args({128, 64, 128, 16, 3, 1, 1});
    b->Args({128, 256, 256, 8, 3, 1, 1})->Args({128, 512, 512, 4, 3, 1, 1})->Args({128, 512, 512, 2, 3, 1, 1});
    // the same direct
    b->Args({128, 64, 64, 10, 3, 1, 0})->Args({16, 64, 64, 58, 3, 1, 0})->Args({16, 256, 256, 16, 3, 1, 0});
    // stride 2: ResNet-32, ResNet-18
    b->Args({128, 16, 32, 32, 3, 2, 1})->Args({16, 64, 128, 56, 3, 2, 1})->Args({16, 256, 512, 14, 3, 2, 1});
    // 1 x 1: ResNet-50, its shortcut, MobileNetV2
    b->Args({16, 64, 256, 56, 1, 1, 0})->Args({16, 512, 128, 28, 1, 1, 0})->Args({16, 1024, 256, 14, 1, 1, 0});
    b->Args({16, 256, 512, 56, 1, 2, 0})->Args({128, 24, 144, 32, 1, 1, 0})->Args({128, 96, 576, 8, 1, 1, 0});
    b->Args({128, 576, 96, 8, 1, 1, 0})->Args({128, 320, 1280, 4, 1, 1, 0});
    // depthwise: MobileNetV2
    b->Args({128, 144, 0, 32, 3, 1, 1})->Args({128, 192, 0, 16, 3, 2, 1})->Args({128, 576, 0, 8, 3, 1, 1});
    b->Args({16, 96, 0, 112, 3, 2, 1})->Args({16, 384, 0, 14, 3, 1, 1});
}

void named(Benchmark* b) {
    b->ArgNames({"N", "C", "K", "HW", "kernel", "stride", "padding"})->Unit(benchmark::kMillisecond);
}

BENCHMARK(forward)->Apply(named)->Apply(first_layers)->Apply(other_layers);
BENCHMARK(data_gradient)->Apply(named)->Apply(other_layers);
BENCHMARK(weight_gradient)->Apply(named)->Apply(first_layers)->Apply(other_layers);

// --- batch norm, in training: images, channels, rows and columns

void batch_norm_shapes(Benchmark* b) {
    b->ArgNames({"N", "C", "HW"})->Unit(benchmark::kMillisecond);
    b->Args({128, 16, 32})->Args({128, 144, 32})->Args({16, 64, 112})->Args({16, 256, 56});
}

struct Normalised {
    explicit Normalised(const State& state)
        : x(values({state.range(0), state.range(1), state.range(2), state.range(2)})),
          scale(values({state.range(1)})),
          shift(values({state.range(1)})),
          y(batch_norm(x, scale, shift).y) {}

    Tensor x, scale, shift, y;
};

void batch_norm_forward(State& state) { run(state, {Normalised(state).y}); }
BENCHMARK(batch_norm_forward)->Apply(batch_norm_shapes);

/// With the way forward, whose statistics it needs.
void batch_norm_gradient(State& state) {
    Normalised norm(state);
    Tensors    gradients;
    for (const auto& [variable, gradient] :
         grad(sum(norm.y * values(norm.x.shape())), {norm.x, norm.scale, norm.shift})) {
        gradients.push_back(gradient);
    }
    run(state, gradients);
}
BENCHMARK(batch_norm_gradient)->Apply(batch_norm_shapes);

/// MobileNetV2's widest part, way and gradients: a 1 x 1 kernel that gives six times the channels, batch norm and
/// relu6, a filter a channel. With what goes along: statistics, the sums of their gradient, gradients to depthwise
/// weights.
void expansion_gradients(State& state) {
    int64_t images = state.range(0), channels = state.range(1), size = state.range(2);
    int64_t wide     = 6 * channels;
    Tensor  expanded = conv2d(values({images, channels, size, size}), values({wide, channels, 1, 1}));
    Tensor  scale = values({wide}), shift = values({wide}), filters = values({wide, 1, 3, 3});
    Tensor  y = conv2d(relu6(batch_norm(expanded, scale, shift).y), filters, {.padding = {1, 1}, .groups = wide});
    Tensors gradients;
    for (const auto& [variable, gradient] :
         grad(sum(y * values(y.shape())), {expanded.node().inputs[1], scale, shift, filters})) {
        gradients.push_back(gradient);
    }
    run(state, gradients);
}
BENCHMARK(expansion_gradients)
    ->ArgNames({"N", "C", "HW"})
    ->Unit(benchmark::kMillisecond)
    ->Args({128, 24, 32})
    ->Args({128, 64, 8})
    ->Args({16, 24, 56})
    ->Args({16, 64, 14});

}  // namespace

BENCHMARK_MAIN();
