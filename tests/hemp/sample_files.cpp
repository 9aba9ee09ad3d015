#include "tests/hemp/sample_files.h"

#include "core/random.h"
#include "hemp/package.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace hemp {
namespace {

QuantizedTensor uniform(std::string name, Shape shape, std::vector<int32_t> symbols, float step) {
    return {.name = std::move(name), .shape = shape, .symbols = std::move(symbols), .step = step, .levels = {}};
}

QuantizedTensor codebook(std::string name, Shape shape, std::vector<int32_t> symbols, std::vector<float> levels) {
    return {
        .name = std::move(name), .shape = shape, .symbols = std::move(symbols), .step = 1, .levels = std::move(levels)};
}

/// Numbers one after the other.
class Draw {
 public:
    explicit Draw(uint64_t seed) : random_(seed, 0) {}
    uint32_t below(uint32_t bound) { return random_.below(bound, index_++); }
    float    uniform() { return random_.uniform(index_++); }
    bool     one_in(uint32_t n) { return below(n) == 0; }

 private:
    Random   random_;
    uint64_t index_ = 0;
};

}  // namespace

std::shared_ptr<const ModelSpec> sample_model(std::string_view name) {
    static const ModelSpec lenet5{.name    = "lenet5",
                                  .tensors = {{"conv1.weight", {20, 1, 5, 5}},
                                              {"conv1.bias", {20}},
                                              {"conv2.weight", {50, 20, 5, 5}},
                                              {"conv2.bias", {50}},
                                              {"fc1.weight", {500, 800}},
                                              {"fc1.bias", {500}},
                                              {"fc2.weight", {10, 500}},
                                              {"fc2.bias", {10}}},
                                  .mean    = {0.1307f},
                                  .std     = {0.3081f},
                                  .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}};
    static const ModelSpec pair{
        .name = "pair", .tensors = {{"first", {6, 3}}, {"second", {2, 6}}}, .mean = {}, .std = {}, .classes = {}};
    if (name.starts_with('{')) {
        return model_spec(name);
    }
    return name == "lenet5" ? std::make_shared<const ModelSpec>(lenet5)
           : name == "pair" ? std::make_shared<const ModelSpec>(pair)
                            : nullptr;
}

std::vector<int32_t> sparse_symbols(const Shape& shape, double density, int most, double dead, uint64_t seed) {
    int64_t              rows    = shape.rank() >= 2 ? shape[0] : 1;
    int64_t              columns = shape.size() / rows;
    Random               alive(seed, 1);
    Random               values(seed, 2);
    std::vector<int32_t> symbols(static_cast<size_t>(shape.size()));
    for (int64_t i = 0; i < shape.size(); ++i) {
        auto row    = static_cast<uint64_t>(i / columns);
        auto column = static_cast<uint64_t>(i % columns);
        if (rows > 1 && (alive.uniform(row) < dead || alive.uniform(1000000 + column) < dead)) {
            continue;
        }
        auto draw = static_cast<uint64_t>(4 * i);
        if (values.uniform(draw) < density) {
            // Half of the magnitudes are 1, a quarter 2, and so on.
            int size = 1;
            while (size < most && values.bits(draw + 1) >> size & 1) {
                ++size;
            }
            symbols[static_cast<size_t>(i)] = values.below(2, draw + 2) ? size : -size;
        }
    }
    return symbols;
}

std::vector<int32_t> laplacian_symbols(int64_t count, double scale, uint64_t seed) {
    Random               random(seed, 3);
    std::vector<int32_t> symbols;
    for (int64_t i = 0; i < count; ++i) {
        double u = static_cast<double>(random.uniform(static_cast<uint64_t>(i))) - 0.5;
        double x = -scale * std::log(1 - 2 * std::abs(u) + 1e-12);
        symbols.push_back(static_cast<int32_t>(std::lround(u < 0 ? -x : x)));
    }
    return symbols;
}

std::vector<int32_t> uniform_symbols(int64_t count, uint32_t levels, uint64_t seed) {
    Random               random(seed, 4);
    std::vector<int32_t> symbols;
    for (int64_t i = 0; i < count; ++i) {
        symbols.push_back(static_cast<int32_t>(random.below(levels, static_cast<uint64_t>(i))));
    }
    return symbols;
}

HempFile every_kind() {
    HempFile file;
    file.mean    = {0.5f, -1.25f, 3e-30f};
    file.std     = {1.0f, 0.1f, 2e30f};
    file.classes = {"cat", "", "ⵣ αβγ 漢字 🙂"};

    std::vector<float> many;
    for (int i = 0; i < 256; ++i) {
        many.push_back(std::ldexp(static_cast<float>(i * i + 1), -9) - 3);
    }
    std::vector<int32_t> large = {0, 1, -1, 5, -77, 1000, -100000, 1 << 30, -(1 << 30), 12, 3, 2};

    file.tensors.push_back(uniform("uniform", {6, 2}, large, 0.0123f));
    file.tensors.push_back(uniform("same step", {3, 4, 5}, sparse_symbols({3, 4, 5}, 0.5, 9, 0, 1), 0.0123f));
    file.tensors.push_back(uniform("zeros", {17}, std::vector<int32_t>(17), 1.0f));
    file.tensors.push_back(codebook("mid-rise", {40}, uniform_symbols(40, 4, 2), {-0.375f, -0.125f, 0.125f, 0.375f}));
    file.tensors.push_back(
        codebook("odd symmetric", {4, 4, 3, 3}, uniform_symbols(144, 5, 3), {-0.7f, -0.1f, 0, 0.1f, 0.7f}));
    file.tensors.push_back(
        codebook("powers of two", {50}, uniform_symbols(50, 8, 4), {-64, -16, -4, -1, 1, 4, 16, 64}));
    file.tensors.push_back(
        codebook("levels", {5, 1, 1, 2, 1, 2, 1, 3}, uniform_symbols(60, 3, 5), {-3.25f, 0.1f, 1e20f}));
    file.tensors.push_back(codebook("256 levels", {30, 40}, uniform_symbols(1200, 256, 6), many));
    file.tensors.push_back(uniform("a scalar", {}, {-7}, 1e-38f));
    file.tensors.push_back(codebook("negative zero", {4}, {0, 1, 1, 0}, {-1, -0.0f}));
    return file;
}

HempFile pruned_lenet5() {
    std::shared_ptr<const ModelSpec> model = sample_model("lenet5");
    const ModelSpec&                 spec  = *model;
    HempFile file{.model = spec.name, .mean = spec.mean, .std = spec.std, .classes = spec.classes, .tensors = {}};
    uint64_t seed = 10;
    for (const auto& [name, shape] : spec.tensors) {
        bool   is_bias = shape.rank() == 1;
        double density = is_bias ? 0.3 : std::min(0.4, 200.0 / std::sqrt(static_cast<double>(shape.size())) / 10);
        double dead    = shape.size() > 10000 ? 0.6 : 0.2;
        file.tensors.push_back(uniform(name, shape, sparse_symbols(shape, density, 3, is_bias ? 0 : dead, ++seed),
                                       is_bias ? 0.0625f : 0.0859375f));
    }
    return file;
}

HempFile narrowed_pair() {
    return {.model   = "pair",
            .mean    = {0.25f},
            .std     = {2},
            .classes = {"no", "yes"},
            .tensors = {uniform("first", {4, 3}, {1, 0, 0, -1, 0, 2, 0, 0, 0, 1, 1, -3}, 0.5f),
                        uniform("second", {2, 4}, {0, 0, 1, 0, -1, 0, 0, 5}, 0.5f)}};
}

HempFile large_integers() {
    return {.model   = "",
            .mean    = {},
            .std     = {},
            .classes = {},
            .tensors = {uniform("wide", {20, 3, 3, 3}, laplacian_symbols(540, 40, 21), 0.01f),
                        uniform("wider", {30, 20}, laplacian_symbols(600, 1e6, 22), 1e-6f),
                        uniform("narrow", {10, 30}, laplacian_symbols(300, 1, 23), 0.1f)}};
}

HempFile described_network() {
    const char* description =
        R"({"image":[1,8,8],"layers":[{"filters":4,"kernel":3,"padding":1,"type":"conv"},{"type":"batch_norm"},"relu",)"
        R"({"branch":[{"filters":8,"kernel":3,"padding":1,"stride":2,"type":"conv"},{"type":"batch_norm"}],)"
        R"("shortcut":[{"filters":8,"stride":2,"type":"subsample"}],"type":"residual"},"relu","global_average_pool",)"
        R"({"name":"fc","outputs":3,"type":"linear"}],"mean":[0.5],"std":[0.25]})";

    std::shared_ptr<const ModelSpec> spec = sample_model(description);
    HempFile file{.model = description, .mean = spec->mean, .std = spec->std, .classes = {}, .tensors = {}};
    for (const auto& [name, shape] : spec->tensors) {
        uint64_t seed = 100 + file.tensors.size();
        file.tensors.push_back(uniform(name, shape, sparse_symbols(shape, 0.6, 3, 0, seed), 0.125f));
    }
    return file;
}

std::vector<std::pair<std::string, HempFile>> golden_files() {
    return {{"every-kind-v1.hemp", every_kind()},       {"pruned-lenet5-v1.hemp", pruned_lenet5()},
            {"narrowed-pair-v1.hemp", narrowed_pair()}, {"large-integers-v1.hemp", large_integers()},
            {"described-v1.hemp", described_network()}, {"in-parts-v1.hemp", every_kind()}};
}

HempFile random_file(uint64_t seed) {
    Draw     draw(seed);
    HempFile file;
    if (draw.one_in(3)) {
        file.mean = {draw.uniform(), -draw.uniform()};
        file.std  = {draw.uniform() + 0.01f, 1e5f};
    }
    for (uint32_t i = draw.one_in(2) ? draw.below(4) : 0; i > 0; --i) {
        file.classes.push_back("class " + std::to_string(i));
    }
    uint32_t tensors = 1 + draw.below(5);
    for (uint32_t t = 0; t < tensors; ++t) {
        std::vector<int64_t> lengths;
        for (uint32_t rank = draw.below(draw.one_in(8) ? 9 : 4); rank > 0; --rank) {
            lengths.push_back(1 + draw.below(lengths.size() < 3 ? 9 : 2));
        }
        Shape           shape(lengths);
        QuantizedTensor tensor{.name = fmt::format("t{}", t), .shape = shape, .symbols = {}, .step = 1, .levels = {}};
        uint32_t        kind = draw.below(4);
        uint32_t        top  = 1 + draw.below(draw.one_in(4) ? 1 << 20 : 1 + draw.below(40));
        if (kind == 0) {
            tensor.step    = std::ldexp(draw.uniform() + 0.5f, static_cast<int>(draw.below(60)) - 50);
            tensor.symbols = sparse_symbols(shape, static_cast<double>(draw.uniform()), 20, 0.2, seed + t);
        } else if (kind == 1) {
            tensor.step = draw.one_in(2) ? 0.25f : 0.1f;
            for (int32_t symbol : uniform_symbols(shape.size(), 2 * top + 1, seed + t)) {
                tensor.symbols.push_back(symbol - static_cast<int32_t>(top));
            }
        } else {
            std::set<float> levels;
            uint32_t        wanted = 1 + draw.below(draw.one_in(5) ? 256 : 9);
            float           grid   = draw.one_in(2) ? 0.3f : 0;
            bool            mirror = draw.one_in(2);
            while (levels.size() < wanted) {
                float level = grid > 0 ? static_cast<float>(static_cast<int>(draw.below(600)) - 300) * grid
                                       : (draw.uniform() - 0.5f) * 8;
                levels.insert(level);
                if (mirror && levels.size() < wanted && level != 0) {
                    levels.insert(-level);
                }
            }
            tensor.levels.assign(levels.begin(), levels.end());
            tensor.symbols = uniform_symbols(shape.size(), wanted, seed + t);
        }
        file.tensors.push_back(std::move(tensor));
    }
    return file;
}

}  // namespace hemp
