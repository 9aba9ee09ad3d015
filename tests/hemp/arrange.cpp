#include "hemp/arrange.h"

#include "core/random.h"
#include "core/run/program.h"
#include "hemp/package.h"
#include "tests/harness.h"
#include "tests/hemp/sample_files.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

using namespace hemp;

namespace {

/// "producer > consumer" of each.
std::vector<std::string> names(const Model& model, const std::vector<HiddenUnits>& units) {
    std::vector<std::string> result;
    for (const HiddenUnits& each : units) {
        result.push_back(model.parameters()[each.producer].name + " > " + model.parameters()[each.consumer].name);
    }
    return result;
}

/// A network with sparse weights as a file holds it.
HempFile sparse_file(const Model& model, double density) {
    const Random random(7, 0);
    uint64_t     number = 0;
    for (const Parameter& each : model.parameters()) {
        bool one = each.role == Role::scale || each.role == Role::running_variance;
        for (float& value : value_of(each.variable).values<float>()) {
            bool kept = random.uniform(number++) < density;
            value     = one ? 1.0f : kept ? 0.125f * static_cast<float>(random.below(7, number++)) - 0.375f : 0.0f;
        }
    }
    return package_uniform(model, 0.125f);
}

void check_same_network(const Model& model, const HempFile& a, const HempFile& b) {
    Shape              shape{3, model.image[0], model.image[1], model.image[2]};
    Array              pixels = random_array({.shape = shape, .dtype = DType::u8, .low = 0, .high = 255}, 3);
    std::vector<Array> logits;
    for (const HempFile* file : {&a, &b}) {
        Model loaded = build_model(model.source, 1);
        load(loaded, *file, "arranged");
        Pass    pass;
        Tensor  images  = input("images", shape, DType::u8);
        Program program = compile({loaded(images, pass)});
        program.run({{images, pixels}});
        logits.push_back(program.output(0));
    }
    std::span<const float> expected = logits[0].values<float>();
    check_close("logits", logits[1], {expected.begin(), expected.end()}, {.ulps = 1024, .floor = 1});
}

}  // namespace

TEST_CASE("hidden units are those whose order no other layer knows") {
    Model lenet = build_model("lenet5", 1);
    CHECK(names(lenet, hidden_units(lenet)) == std::vector<std::string>{"conv1.weight > conv2.weight",
                                                                        "conv2.weight > fc1.weight",
                                                                        "fc1.weight > fc2.weight"});

    // Units of a residual stream are not; depthwise filters come along.
    Model                    residual = build_model("resnet20", 1);
    std::vector<std::string> inside   = names(residual, hidden_units(residual));
    CHECK(inside.size() == 9);
    CHECK(std::ranges::count(inside, "layer1.0.conv1.weight > layer1.0.conv2.weight") == 1);
    CHECK(std::ranges::count(inside, "conv1.weight > layer1.0.conv1.weight") == 0);
    Model mobile = build_model(
        R"({"image": [3, 8, 8], "layers": [{"type": "conv", "filters": 4, "kernel": 1, "bias": false}, "batch_norm", )"
        R"({"type": "residual", "branch": [)"
        R"({"type": "conv", "filters": 8, "kernel": 1, "bias": false}, "batch_norm", "relu6", )"
        R"({"type": "conv", "filters": 8, "kernel": 3, "padding": 1, "groups": 8, "bias": false}, "batch_norm", "relu6", )"
        R"({"type": "conv", "filters": 4, "kernel": 1, "bias": false}, "batch_norm"]}, )"
        R"("global_average_pool", {"type": "linear", "outputs": 5}]})",
        1);
    std::vector<HiddenUnits> units = hidden_units(mobile);
    REQUIRE(units.size() == 1);
    CHECK(units[0].companions.size() == 9);  // two batch norms and the filters between
    CHECK(units[0].shifts.size() == 4);
    CHECK(units[0].silent);
}

TEST_CASE("what is behind a layer that says nothing hides no units") {
    // One unit, of which half of all networks have none that is above zero: a residual stream must not pass for units.
    for (int filters : {8, 12, 16, 20, 24}) {
        Model model = build_model(
            fmt::format(
                R"({{"image": [1, 8, 8], "layers": [{{"type": "conv", "filters": {0}, "kernel": 3}}, {{"type": "residual", )"
                R"("branch": ["relu", {{"type": "conv", "filters": {0}, "kernel": 3, "padding": 1}}]}}, "relu", )"
                R"("global_average_pool", {{"type": "linear", "outputs": 1}}, "relu", {{"type": "linear", "outputs": 5}}]}})",
                filters),
            1);
        CHECK(hidden_units(model).empty());
    }
}

TEST_CASE("an arranged file is the same network in fewer bytes") {
    for (const char* name : {"lenet5", "resnet20"}) {
        CAPTURE(name);
        Model                    model = build_model(name, 1);
        std::vector<HiddenUnits> units = hidden_units(model);
        HempFile                 file  = sparse_file(model, 0.01);
        HempFile                 other = arranged(file, units);
        CHECK(encode(other, model_spec).size() < encode(file, model_spec).size());
        check_same_network(model, file, other);
    }
}

TEST_CASE("a unit that nothing reads is emptied, and what only it reads too") {
    Model    model = build_model("lenet300", 1);
    HempFile file  = sparse_file(model, 0.5);
    auto     find  = [&](HempFile& in, const std::string& name) -> QuantizedTensor& {
        return *std::ranges::find(in.tensors, name, &QuantizedTensor::name);
    };
    // fc3 reads only the first unit of fc2, which reads only the last of fc1.
    QuantizedTensor& fc3 = find(file, "fc3.weight");
    for (size_t i = 0; i < fc3.symbols.size(); ++i) {
        fc3.symbols[i] = i % 100 == 0 ? 1 : 0;
    }
    QuantizedTensor& fc2 = find(file, "fc2.weight");
    std::fill_n(fc2.symbols.begin(), 300, 0);
    fc2.symbols[299] = 3;

    HempFile other = arranged(file, hidden_units(model));
    for (auto [tensor, kept] : {std::pair{"fc1.weight", 784}, {"fc1.bias", 1}, {"fc2.weight", 300}, {"fc2.bias", 1}}) {
        const QuantizedTensor& each = find(other, tensor);
        CAPTURE(each.name);
        CHECK(std::ranges::all_of(each.symbols.begin() + kept, each.symbols.end(), [](int32_t s) { return s == 0; }));
    }
    CHECK(find(other, "fc2.weight").symbols[0] == 3);
    check_same_network(model, file, other);
}

TEST_CASE("weights that read a unit which gives nothing but zeros are emptied") {
    Model    model = build_model("lenet300", 1);
    HempFile file  = sparse_file(model, 0.5);
    // fc1's unit 7 is silent, unit 8 still gives its bias.
    for (int64_t unit : {7, 8}) {
        std::fill_n(file.tensors[0].symbols.begin() + unit * 784, 784, 0);
        file.tensors[1].symbols[static_cast<size_t>(unit)] = static_cast<int32_t>(unit - 7);
    }
    HempFile other  = arranged(file, hidden_units(model));
    auto     column = [](const HempFile& in, size_t unit) {
        int64_t found = 0;
        for (size_t row = 0; row < 100; ++row) {
            found += in.tensors[2].symbols[row * 300 + unit] != 0;
        }
        return found;
    };
    CHECK(column(file, 7) > 0);
    CHECK(column(other, 298) == column(file, 8));  // the two stand last
    CHECK(column(other, 299) == 0);
    check_same_network(model, file, other);
}

TEST_CASE("a unit without weights is not silent where its activation makes something of zero") {
    int  found  = 0;
    auto silent = [&](const std::string& layers_behind) {
        Model model = build_model(R"({"image": [1, 8, 8], "layers": ["flatten", {"type": "linear", "outputs": 8}, )" +
                                      layers_behind + R"(, {"type": "linear", "outputs": 4}]})",
                                  1);
        std::vector<HiddenUnits> units = hidden_units(model);
        found += !units.empty();
        return !units.empty() && units[0].silent;
    };
    CHECK(silent(R"("relu")"));
    CHECK(silent(R"("tanh")"));
    CHECK_FALSE(silent(R"("sigmoid")"));
    CHECK(found == 3);  // of those behind, which may be dead, units are known or not
    // What reads them may be dead itself.
    CHECK_FALSE(silent(R"("sigmoid", {"type": "linear", "outputs": 1}, "relu")"));
    CHECK_FALSE(silent(R"("sigmoid", {"type": "linear", "outputs": 2}, "relu")"));
}
