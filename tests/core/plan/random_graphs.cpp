// Whole random programs against the interpreter, and the same programs on several threads.

#include "core/run/program.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/interpreter.h"
#include "tests/random_graph.h"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace hemp;

namespace {

constexpr Tolerance tolerance{.ulps = 2000, .floor = 1};

std::vector<Array> run_twice(uint64_t seed, int threads) {
    return results_of_two_runs(random_graph(seed), {.threads = threads, .verify = true});
}

std::vector<plain::Values> interpreted_twice(uint64_t seed) {
    RandomGraph graph = random_graph(seed);
    Given       inputs, state;
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
        inputs[graph.inputs[i]] = values_of(graph.values[i]);
    }
    std::vector<plain::Values> results;
    for (int run = 0; run < 2; ++run) {
        auto outputs = interpret_run(graph.roots, inputs, state);
        results.insert(results.end(), outputs.begin(), outputs.end());
    }
    for (const Tensor& variable : graph.variables) {
        results.push_back(state.at(variable));
    }
    return results;
}

}  // namespace

TEST_CASE("random programs agree with the interpreter") {
    for (uint64_t seed = 0; seed < 150; ++seed) {
        std::vector<Array>         got      = run_twice(seed, 1);
        std::vector<plain::Values> expected = interpreted_twice(seed);
        REQUIRE(got.size() == expected.size());
        for (size_t i = 0; i < got.size(); ++i) {
            check_close(fmt::format("random graph of seed {}, result {}", seed, i), got[i], expected[i].at, tolerance);
        }
    }
}

TEST_CASE("random programs give the same bits on any number of threads") {
    for (uint64_t seed = 0; seed < 30; ++seed) {
        std::vector<Array> one = run_twice(seed, 1);
        for (int threads : {2, 4}) {
            std::vector<Array> more = run_twice(seed, threads);
            for (size_t i = 0; i < one.size(); ++i) {
                INFO("seed " << seed << ", result " << i << ", " << threads << " threads");
                CHECK(same_bits(one[i], more[i]));
            }
        }
    }
}
