#include "hemp/package.h"

#include "core/run/program.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace hemp;

namespace {

Model small_network() {
    Model model = build_model(
        R"({"image":[1,8,8],"layers":[{"filters":4,"kernel":3,"type":"conv"},{"epsilon":0.01,"type":"batch_norm"},"relu",)"
        R"("global_average_pool",{"outputs":3,"type":"linear"}],"mean":[0.5],"std":[0.25]})",
        1);
    for (uint64_t i = 0; const Parameter& each : model.parameters()) {
        bool positive           = each.role == Role::running_variance || each.role == Role::scale;
        value_of(each.variable) = random_array(
            {.shape = each.variable.shape(), .low = positive ? 0.2 : -0.5, .high = positive ? 2.0 : 0.5}, ++i);
    }
    return model;
}

Array logits(const Model& model) {
    Pass    pass;
    Tensor  images  = input("images", {4, 1, 8, 8}, DType::u8);
    Program program = compile({model(images, pass)});
    Array   pixels  = random_array({.shape = {4, 1, 8, 8}, .dtype = DType::u8, .low = 0, .high = 255}, 9);
    program.run({{images, pixels}});
    return program.output(0);
}

size_t place_of(const Model& model, Role role) {
    return static_cast<size_t>(std::ranges::find(model.parameters(), role, &Parameter::role) -
                               model.parameters().begin());
}

const QuantizedTensor& tensor(const HempFile& file, const Model& model, Role role) {
    return file.tensors[place_of(model, role)];
}

std::vector<float> copied(const Array& array) { return {array.values<float>().begin(), array.values<float>().end()}; }

Array& value(const Model& model, Role role) { return value_of(model.parameters()[place_of(model, role)].variable); }

}  // namespace

TEST_CASE("files hold what batch norm's statistics do in its scale and shift") {
    Model    model  = small_network();
    HempFile file   = package_uniform(model, 1e-5f, {.side_levels = 1000001, .norm_levels = 1000001});
    Model    loaded = build_model(model.source, 2);
    load(loaded, file);
    Array               expected = logits(model);
    std::vector<double> values(expected.values<float>().begin(), expected.values<float>().end());
    check_close("logits", logits(loaded), values, {.ulps = 1024, .floor = 1});

    CHECK(copied(dequantize(tensor(file, model, Role::running_mean))) == std::vector<float>(4, 0));
    CHECK(copied(dequantize(tensor(file, model, Role::running_variance))) == std::vector<float>(4, 1));
    for (size_t i = 0; i < 4; ++i) {  // what was folded once stays
        CHECK(copied(file_values(loaded)[i]) == copied(value_of(loaded.parameters()[i].variable)));
    }
}

TEST_CASE("a channel that never varies has no scale in a file, which would spoil those of others") {
    Model model                                             = small_network();
    value(model, Role::running_variance).values<float>()[2] = 1e-9f;
    HempFile file                                           = package(model, nullptr);
    Array    scale                                          = dequantize(tensor(file, model, Role::scale));
    CHECK(scale.values<float>()[2] == 0);
    CHECK(scale.values<float>()[1] != 0);
}

TEST_CASE("one step for all weights, which the largest must fit") {
    Model model = small_network();
    CHECK(root_mean_square_of_weights(model) == doctest::Approx(0.29).epsilon(0.1));
    HempFile file = package_uniform(model, 0.125f);
    for (size_t i = 0; i < file.tensors.size(); ++i) {
        CHECK((file.tensors[i].step == 0.125f) == (model.parameters()[i].role == Role::weight));
    }
    CHECK_THROWS_WITH_AS(package_uniform(model, 1e-12f), doctest::Contains("the step must be larger"), UsageError);
    CHECK_THROWS_WITH_AS(package_uniform(model, 0), "compress: the step is 0; it must be above 0", UsageError);
}
