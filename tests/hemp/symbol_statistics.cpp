// Entropies of integers, and what tensors take before they are coded.

#include "hemp/symbol_statistics.h"

#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

using namespace hemp;

namespace {

std::vector<int32_t> random_symbols(size_t count, double magnitude) {
    Array array = random_array(
        {.shape = {static_cast<int64_t>(count)}, .dtype = DType::f32, .low = -magnitude, .high = magnitude}, 4);
    std::vector<int32_t> symbols;
    for (float value : array.values<float>()) {
        symbols.push_back(static_cast<int32_t>(std::lrint(value * value * value)));
    }
    return symbols;
}

double counted_entropy(const std::vector<int32_t>& symbols, size_t order) {
    std::map<std::vector<int32_t>, double> counts;
    for (size_t i = 0; i + order <= symbols.size(); i += order) {
        ++counts[{symbols.begin() + static_cast<int64_t>(i), symbols.begin() + static_cast<int64_t>(i + order)}];
    }
    double bits = 0, total = std::floor(static_cast<double>(symbols.size() / order));
    for (const auto& [tuple, count] : counts) {
        bits -= count / total * std::log2(count / total);
    }
    return bits / static_cast<double>(order);
}

}  // namespace

TEST_CASE("entropies of tuples") {
    CHECK(joint_entropy(std::vector<int32_t>{0, 1, 0, 1}, 1).bits == 1);
    CHECK(joint_entropy(std::vector<int32_t>{0, 1, 0, 1}, 2).bits == 0);
    CHECK(joint_entropy(std::vector<int32_t>{-1, 0, 1, 2}, 1).bits == 2);
    CHECK(joint_entropy(std::vector<int32_t>{-1, 0, 1, 2}, 2).bits == 0.5);
    CHECK(joint_entropy(std::vector<int32_t>{}, 1).bits == 0);
    CHECK(joint_entropy(std::vector<int32_t>{7, 7}, 3).bits == 0);  // no tuple
    CHECK(joint_entropy(std::vector<int32_t>{1 << 30, -(1 << 30), 40000, -40000}, 1).bits == 1);
    CHECK(joint_entropy(std::vector<int32_t>(40, 3), 2).is_sampled());
    CHECK_FALSE(joint_entropy(std::vector<int32_t>{1, 2, 3, 4}, 1).is_sampled());
    for (double magnitude : {1.3, 3.0, 30.0}) {  // by counters, and by sorting
        std::vector<int32_t> symbols = random_symbols(3001, magnitude);
        for (int order = 1; order <= 4; ++order) {
            CHECK(joint_entropy(symbols, order).bits ==
                  doctest::Approx(counted_entropy(symbols, static_cast<size_t>(order))).epsilon(1e-9));
        }
    }
}

TEST_CASE("a tensor without a tuple has no entropy") {
    CHECK(joint_entropy(std::vector<int32_t>(3), 4).tuples == 0);
    CHECK_FALSE(joint_entropy(std::vector<int32_t>(3), 4).is_sampled());
}

TEST_CASE("what a tensor takes before it is coded") {
    QuantizedTensor tensor{.name = "w", .shape = {4, 4}, .symbols = std::vector<int32_t>(16), .step = 1, .levels = {}};
    tensor.symbols[3] = 1;
    tensor.symbols[7] = -1;
    PlainSizes sizes  = plain_sizes(tensor);
    CHECK(sizes.floats == 64);
    CHECK(sizes.pruned == 2 + 8);
    CHECK(sizes.quantized == 4 + 3);  // the step, 16 bits that say where, 2 signs
    CHECK(sizes.zeros == 14);

    tensor.symbols.assign(16, 0);
    CHECK(plain_sizes(tensor).quantized == 4);

    tensor.levels  = {-0.5f, 0.25f, 3.0f};  // none is zero
    tensor.symbols = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0};
    CHECK(plain_sizes(tensor).zeros == 0);
    CHECK(plain_sizes(tensor).pruned == 64);
    CHECK(plain_sizes(tensor).quantized == 3 * 4 + 4);
}
