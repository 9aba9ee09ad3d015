// How fast and how small the weight coder is: synthetic tensors, and the LeNets rounded to the steps that public coders
// were measured at, when HEMP_DATA is set. Bytes are shown as a counter.

#include "hemp/weight_coder.h"

#include "tests/hemp/real_weights.h"
#include "tests/hemp/sample_files.h"

#include <benchmark/benchmark.h>

#include <fmt/core.h>

using namespace hemp;

namespace {

struct Network {
    std::vector<Shape>                shapes;
    std::vector<std::vector<int32_t>> symbols;

    int64_t weights() const {
        int64_t sum = 0;
        for (const Shape& shape : shapes) {
            sum += shape.size();
        }
        return sum;
    }
    std::vector<std::byte> encode() const {
        WeightEncoder encoder;
        for (size_t i = 0; i < shapes.size(); ++i) {
            encoder.add(shapes[i], symbols[i]);
        }
        return encoder.finish();
    }
};

void encode(benchmark::State& state, const Network& network) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(network.encode());
    }
    state.SetItemsProcessed(state.iterations() * network.weights());
}

void decode(benchmark::State& state, const Network& network) {
    std::vector<std::byte>            code    = network.encode();
    std::vector<std::vector<int32_t>> decoded = network.symbols;
    for (auto _ : state) {
        WeightDecoder decoder(code);
        for (size_t i = 0; i < network.shapes.size(); ++i) {
            if (!decoder.read(network.shapes[i], decoded[i])) {
                state.SkipWithError("the code was refused");
            }
        }
    }
    state.SetItemsProcessed(state.iterations() * network.weights());
    state.counters["bytes"] = static_cast<double>(code.size());
}

void add(const std::string& name, const Network& network) {
    benchmark::RegisterBenchmark(("encode/" + name).c_str(), [network](auto& state) { encode(state, network); });
    benchmark::RegisterBenchmark(("decode/" + name).c_str(), [network](auto& state) { decode(state, network); });
}

void add_real(const std::string& name, std::initializer_list<float> steps) {
    std::vector<NamedArray> tensors = real_weights(name);
    if (tensors.empty()) {
        fmt::print(stderr, "{} skipped: HEMP_DATA is not set\n", name);
        return;
    }
    for (float step : steps) {
        Network network;
        for (const NamedArray& tensor : tensors) {
            network.shapes.push_back(tensor.values.shape());
            network.symbols.push_back(rounded(tensor.values, step));
        }
        add(fmt::format("{}/step:{}", name, step), network);
    }
}

}  // namespace

int main(int count, char** arguments) {
    benchmark::Initialize(&count, arguments);
    Shape matrix{500, 800};
    for (double density : {0.003, 0.01, 0.1}) {
        add(fmt::format("sparse:{}", density), {{matrix}, {sparse_symbols(matrix, density, 3, 0.3, 1)}});
    }
    for (double scale : {0.5, 1.0, 5.0, 10.0, 16.0, 40.0}) {
        add(fmt::format("laplacian:{}", scale), {{matrix}, {laplacian_symbols(matrix.size(), scale, 1)}});
    }
    add("uniform:256", {{matrix}, {uniform_symbols(matrix.size(), 256, 1)}});
    add_real("lenet5", {0.0078125f, 0.015625f, 0.03125f, 0.046875f, 0.0625f});
    add_real("lenet300", {0.01171875f, 0.0234375f, 0.03125f, 0.046875f, 0.0625f});
    benchmark::RunSpecifiedBenchmarks();
}
