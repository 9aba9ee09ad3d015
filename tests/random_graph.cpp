#include "tests/random_graph.h"

#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/concat.h"
#include "core/ops/expand.h"
#include "core/ops/matmul.h"
#include "core/ops/maximum.h"
#include "core/ops/multiply.h"
#include "core/ops/negate.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "core/ops/reshape.h"
#include "core/ops/sigmoid.h"
#include "core/ops/slice.h"
#include "core/ops/softmax.h"
#include "core/ops/subtract.h"
#include "core/ops/tanh.h"
#include "core/ops/transpose.h"
#include "core/random.h"
#include "tests/harness.h"

#include <algorithm>
#include <numeric>

namespace hemp {
namespace {

class Generator {
 public:
    explicit Generator(uint64_t seed) : seed_(seed), random_(seed, 1) {}

    RandomGraph run() {
        Shape shapes[] = {{3, 5}, {5}, {4, 3, 5}, {3, 1}, {40, 130}, {130}};
        for (size_t i = 0; i < 6; ++i) {
            Shape shape = shapes[below(6)];
            Array value = random_array({.shape = shape, .low = -1, .high = 1}, seed_ * 100 + i);
            if (i < 2) {
                graph_.inputs.push_back(input(fmt::format("x{}", i), shape));
                graph_.values.push_back(value);
                pool_.push_back(graph_.inputs.back());
            } else if (i < 5) {
                graph_.variables.push_back(variable(fmt::format("w{}", i), value));
                pool_.push_back(graph_.variables.back());
            } else {
                pool_.push_back(constant(value));
            }
        }
        for (int step = 0; step < 20; ++step) {
            pool_.push_back(next());
        }
        Tensor loss = constant(0.0f);
        for (int i = 0; i < 3; ++i) {
            graph_.roots.outputs.push_back(any());
            loss = loss + mean(tanh(pool_[pool_.size() - 1 - static_cast<size_t>(i)]));
        }
        graph_.roots.outputs.push_back(loss);
        Gradients gradients = grad(loss, graph_.variables);
        for (size_t i = 0; i < graph_.variables.size(); ++i) {
            const Tensor& variable = graph_.variables[i];
            const Tensor& other    = graph_.variables[(i + 1) % graph_.variables.size()];
            Tensor        moved    = variable * 0.9f - gradients[i].gradient * 0.5f;
            if (below(2) == 0) {
                graph_.roots.outputs.push_back(moved + variable);  // reads the old value beside the new one
            }
            // Another variable's old value, where shapes allow it: an exchange.
            Tensor value = other.shape() == variable.shape() && below(2) == 0 ? other : moved;
            graph_.roots.updates.push_back({variable, value});
        }
        return std::move(graph_);
    }

 private:
    uint32_t below(uint32_t bound) { return random_.below(bound, counter_++); }
    Tensor   any() { return pool_[below(static_cast<uint32_t>(pool_.size()))]; }
    int      axis_of(const Tensor& x) { return static_cast<int>(below(static_cast<uint32_t>(x.shape().rank()))); }

    /// A partner that broadcasts with x.
    Tensor partner(const Tensor& x) {
        for (int attempt = 0; attempt < 10; ++attempt) {
            Tensor y = any();
            try {
                if (broadcast(x.shape(), y.shape(), "partner").size() < 20000) {
                    return y;
                }
            } catch (const ShapeError&) {
                // another one may fit
            }
        }
        return x;
    }

    Tensor next() {
        Tensor x = any();
        if (x.shape().rank() == 0) {
            return tanh(x);
        }
        Tensor y = partner(x);
        switch (below(16)) {
            case 0: return tanh(x);
            case 1: return sigmoid(x);
            case 2: return relu(x);
            case 3: return -x;
            case 4: return tanh(x + y);
            case 5: return tanh(x - y);
            case 6: return tanh(x * y);
            case 7: return maximum(x, y);
            case 8: return tanh(sum(x, {.axes = {axis_of(x)}, .keep = below(2) == 0}) * 0.1f);
            case 9: return mean(x);
            case 10: return x - mean(x, {.axes = {axis_of(x)}, .keep = true});
            case 11: return reshape(x, Shape{x.shape().size()});
            case 12: {
                std::vector<int> axes(static_cast<size_t>(x.shape().rank()));
                std::iota(axes.rbegin(), axes.rend(), 0);
                return transpose(x, axes);
            }
            case 13: return below(2) == 0 ? reverse(x, axis_of(x)) : slice(x, 0, 0, (x.shape()[0] + 1) / 2);
            case 14: return x.shape().size() < 1000 ? concat({x, tanh(x)}, axis_of(x)) : softmax(x);
            default: break;
        }
        return x.shape().rank() == 2 ? matmul(x, x, {.transpose_b = true}) * (1.0f / static_cast<float>(x.shape()[1]))
                                     : softmax(x);
    }

    uint64_t    seed_;
    Random      random_;
    uint64_t    counter_ = 0;
    Tensors     pool_;
    RandomGraph graph_;
};

}  // namespace

RandomGraph random_graph(uint64_t seed) { return Generator(seed).run(); }

std::vector<Array> results_of_two_runs(const RandomGraph& graph, const CompileOptions& options) {
    Program           program = compile(graph.roots.outputs, graph.roots.updates, options);
    std::vector<Feed> feeds;
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
        feeds.push_back({graph.inputs[i], graph.values[i]});
    }
    std::vector<Array> results;
    for (int run = 0; run < 2; ++run) {
        program.run(feeds);
        for (size_t i = 0; i < graph.roots.outputs.size(); ++i) {
            results.push_back(program.output(i));
        }
    }
    for (const Tensor& variable : graph.variables) {
        results.push_back(value_of(variable));
    }
    return results;
}

}  // namespace hemp
