// How the entropy's exact gradient (tables, value, slopes) grows with weights, levels and order; and quantization.
// Time is that of the kernels alone: memory is there before, as in a planned program.

#include "hemp/entropy.h"

#include "core/operator.h"
#include "core/random.h"
#include "hemp/quantize.h"
#include "hemp/quantizer.h"

#include <benchmark/benchmark.h>
#include <omp.h>

#include <map>

using namespace hemp;

namespace {

// The steps that compute some outputs, with all memory allocated and touched.
class Steps {
 public:
    explicit Steps(const Tensors& outputs) {
        for (const Tensor& tensor : topological_order(outputs)) {
            const Node& node = tensor.node();
            Array&      y    = values_.emplace(tensor, node.value ? *node.value : Array(node.type)).first->second;
            if (node.value) {
                continue;
            }
            Step step{.inputs = {}, .output = y.memory(), .work = node.op->work(node)};
            for (const Tensor& input : node.inputs) {
                step.inputs.push_back(values_.at(input).memory());
            }
            scratch_.resize(std::max(scratch_.size(), step.work.scratch_bytes));
            steps_.push_back(std::move(step));
        }
    }

    void run(int threads) {
#pragma omp parallel num_threads(threads)
        for (const Step& step : steps_) {
            for (const Stage& stage : step.work.stages) {
#pragma omp for schedule(dynamic, 1)
                for (int64_t piece = 0; piece < stage.pieces; ++piece) {
                    stage.run({step.inputs, step.output, scratch_.data(), nullptr}, piece);
                }
            }
        }
    }

 private:
    struct Step {
        std::vector<const void*> inputs;
        void*                    output;
        Work                     work;
    };
    std::map<Tensor, Array> values_;
    std::vector<std::byte>  scratch_;
    std::vector<Step>       steps_;
};

Tensor normals(int64_t size, uint64_t stream) {
    Random random(1, stream);
    Array  array({Shape{size}, DType::f32});
    for (size_t i = 0; float& value : array.values<float>()) {
        value = 0.05f * random.normal(i++);
    }
    return constant(std::move(array));
}

Tensor levels_for(const Tensor& weights, int64_t count) {
    auto values = weights.node().value->values<float>();
    return constant(Array(Shape{count}, lloyd_max_gaussian(values, static_cast<int>(count)).levels));
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
    Tensor  h       = entropy(weights, level, options);
    Tensors outputs = h.node().op->gradient(h, constant(1.0f));
    std::erase_if(outputs, [](const Tensor& gradient) { return !gradient; });
    outputs.push_back(h);
    Steps steps(outputs);
    steps.run(static_cast<int>(threads));
    for (auto _ : state) {
        steps.run(static_cast<int>(threads));
    }
    state.counters["MiB"] = static_cast<double>(entropy_bytes(weights, level, options)) * 0x1p-20;
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
    Tensor w      = normals(state.range(0), 0);
    Tensor levels = levels_for(w, state.range(1));
    Tensor y      = quantize(w, levels);
    Steps  steps({y, y.node().op->gradient(y, normals(state.range(0), 1))[1]});
    steps.run(1);
    for (auto _ : state) {
        steps.run(1);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

void fit_lloyd_max(benchmark::State& state) {
    Tensor w      = normals(state.range(0), 0);
    auto   values = w.node().value->values<float>();
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
