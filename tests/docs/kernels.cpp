// docs/engine-kernels.md: a kernel over the vector type, and bits that depend on neither threads nor vector width.

#include "core/kernels/dispatch.h"
#include "core/ops/matmul.h"
#include "core/ops/softmax.h"
#include "core/random.h"
#include "core/run/program.h"
#include "tests/arrays.h"
#include "tests/instruction_sets.h"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

using namespace hemp;

namespace {

// snippet: kernel
struct ScaleAndAdd {
    template <class V>
    HEMP_INLINE static void run(float a, const float* x, float* y, int64_t count) {
        int64_t i = 0;
        for (; i + V::width <= count; i += V::width) {
            V::store(y + i, V::all(a) * V::load(x + i) + V::load(y + i));
        }
        for (; i < count; ++i) {
            y[i] = a * x[i] + y[i];
        }
    }
};
// end of snippet

}  // namespace

TEST_CASE("one template is a kernel for every instruction set that this CPU has") {
    std::vector<float> x(37, 2.0f), y(37, 1.0f);
    // snippet: dispatch
    auto scale_and_add = kernel<ScaleAndAdd, void(float, const float*, float*, int64_t)>();
    scale_and_add(3.0f, x.data(), y.data(), 37);
    // end of snippet
    CHECK(y == std::vector<float>(37, 7.0f));
}

TEST_CASE("products and sums have the same bits for any number of threads, and on AVX2 and AVX-512") {
    Tensor a = constant(random_matrix(61, 2100, 0)), b = constant(random_matrix(2100, 45, 1));
    Tensor y = softmax(matmul(a, b));
    // snippet: bits
    auto result = [&](InstructionSet set, int threads) {
        Using   only(set);
        Program program = compile({y}, {}, {.threads = threads});
        program.run();
        return program.output(0);
    };
    Array one = result(instruction_set(), 1);
    CHECK(same_bits(one, result(instruction_set(), 2)));
    CHECK(same_bits(one, result(instruction_set(), 3)));
    if (supported(InstructionSet::avx512)) {
        CHECK(same_bits(one, result(InstructionSet::avx2, 2)));
    }
    // end of snippet
}
