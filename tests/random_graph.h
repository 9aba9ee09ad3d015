#pragma once
// Random programs: many operators in combinations that nobody would write.

#include "core/plan/plan.h"
#include "core/run/program.h"

namespace hemp {

struct RandomGraph {
    Tensors            inputs;
    std::vector<Array> values;  ///< of the inputs
    Tensors            variables;
    Roots              roots;
};

/// A function of the seed alone. Values stay moderate and the functions smooth enough for results in f32 and in double
/// to agree.
RandomGraph random_graph(uint64_t seed);

/// Runs its program twice. Outputs of both runs, then the variables' values.
std::vector<Array> results_of_two_runs(const RandomGraph& graph, const CompileOptions& options);

}  // namespace hemp
