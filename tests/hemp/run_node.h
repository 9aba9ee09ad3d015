#pragma once
// Evaluates a small graph of constants and operators with work(), node by node: enough to test an operator alone.

#include "core/operator.h"

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
    static constexpr size_t guard   = 64;
    static constexpr int    garbage = 0xff;  // NaN as f32

    struct Memory {
        explicit Memory(size_t bytes) : array({Shape{static_cast<int64_t>(bytes + 2 * guard)}, DType::u8}) {
            std::memset(array.memory(), garbage, array.bytes());
        }
        std::byte* data() { return static_cast<std::byte*>(array.memory()) + guard; }
        bool       guards_intact() const {
                  const auto* bytes = static_cast<const uint8_t*>(array.memory());
                  bool        good  = true;
                  for (size_t i = 0; i < guard; ++i) {
                      good = good && bytes[i] == garbage && bytes[array.bytes() - 1 - i] == garbage;
            }
                  return good;
        }
        Array array;
    };

    Array run(const Node& node) {
        std::vector<const void*> inputs;
        for (const Tensor& input : node.inputs) {
            inputs.push_back(values_.at(input).memory());
        }
        Work                work = node.op->work(node);
        Memory              output(node.type.bytes());
        Memory              scratch(work.scratch_bytes);
        std::vector<Memory> thread_scratch(static_cast<size_t>(threads_), Memory(work.thread_scratch_bytes));
        void* const         results[] = {output.data()};
        for (const Stage& stage : work.stages) {
#pragma omp parallel for num_threads(threads_) schedule(dynamic, 1)
            for (int64_t piece = 0; piece < stage.pieces; ++piece) {
                std::byte* mine = thread_scratch[static_cast<size_t>(omp_get_thread_num())].data();
                stage.run({inputs, results, scratch.data(), mine}, piece);
            }
        }
        CHECK(output.guards_intact());
        CHECK(scratch.guards_intact());
        for (const Memory& memory : thread_scratch) {
            CHECK(memory.guards_intact());
        }
        Array result(node.type);
        std::memcpy(result.memory(), output.data(), node.type.bytes());
        return result;
    }

    int                     threads_;
    std::map<Tensor, Array> values_;
};

}  // namespace hemp::test
