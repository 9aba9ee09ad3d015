#pragma once
// Evaluates a small graph of constants and operators with work(), node by node: enough to test an operator alone.

#include "core/operator.h"
#include "tests/guarded.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <cstring>
#include <map>

namespace hemp::test {

/// The values of `output`. Every result and all scratch memory starts out as NaN and huge integers, and a result's
/// neighbours in memory are checked, so that a kernel that reads or writes what it should not is seen.
class Runner {
 public:
    explicit Runner(int threads = 1) : threads_(threads) {}

    const Array& operator()(const Tensor& output) {
        for (const Tensor& tensor : topological_order({output})) {
            if (!values_.contains(tensor)) {
                values_.emplace(tensor, tensor.node().value ? *tensor.node().value : run(tensor.node()));
            }
        }
        return values_.at(output);
    }

 private:
    Array run(const Node& node) {
        std::vector<const void*> inputs;
        for (const Tensor& input : node.inputs) {
            inputs.push_back(values_.at(input).memory());
        }
        Work                 work = node.op->work(node);
        Guarded              output(node.type.bytes());
        Guarded              scratch(work.scratch_bytes);
        std::vector<Guarded> thread_scratch(static_cast<size_t>(threads_), Guarded(work.thread_scratch_bytes));
        void* const          results[] = {output.at()};
        for (const Stage& stage : work.stages) {
#pragma omp parallel for num_threads(threads_) schedule(dynamic, 1)
            for (int64_t piece = 0; piece < stage.pieces; ++piece) {
                std::byte* mine = thread_scratch[static_cast<size_t>(omp_get_thread_num())].at();
                stage.run({inputs, results, scratch.at(), mine}, piece);
            }
        }
        CHECK(output.intact());
        CHECK(scratch.intact());
        for (const Guarded& memory : thread_scratch) {
            CHECK(memory.intact());
        }
        Array result(node.type);
        std::memcpy(result.memory(), output.at(), node.type.bytes());
        return result;
    }

    int                     threads_;
    std::map<Tensor, Array> values_;
};

}  // namespace hemp::test
