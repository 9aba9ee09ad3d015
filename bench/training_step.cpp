// A whole training step (loss, gradients, SGD with momentum) of LeNet-300-100 and LeNet-5 on a batch of 100, on one
// thread and on two: what a run's time consists of. `hemp explain --time` shows the operators that a step consists of.

#include "cli/step.h"
#include "core/run/team.h"

#include <benchmark/benchmark.h>

using namespace hemp;

namespace {

constexpr int64_t images = 100;

void training_step(benchmark::State& state, const char* model) {
    use_threads(static_cast<int>(state.range(0)));
    Step step(build_model(model, 1), {.train = true, .batch = images});
    for (auto _ : state) {
        step.run();
    }
    state.SetItemsProcessed(state.iterations() * images);
}
BENCHMARK_CAPTURE(training_step, lenet300, "lenet300")->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK_CAPTURE(training_step, lenet5, "lenet5")->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
