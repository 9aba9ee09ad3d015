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
    load(loaded, file, "packed");
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

    // What it gives is its shift.
    std::vector<Array> held = file_values(model);
    CHECK(held[place_of(model, Role::shift)].values<float>()[2] == value(model, Role::shift).values<float>()[2]);
}

TEST_CASE("tensors of a file may stand in any order") {
    Model    model = small_network();
    HempFile file  = package(model, nullptr);
    HempFile other = file;
    std::ranges::reverse(other.tensors);
    CHECK(in_order_of(model, other, "x.hemp").tensors == file.tensors);
    Model a = build_model(model.source, 2), b = build_model(model.source, 2);
    load(a, file, "x.hemp");
    load(b, other, "x.hemp");
    CHECK(copied(logits(a)) == copied(logits(b)));
    other.tensors[0] = other.tensors[1];
    CHECK_THROWS_WITH_AS(load(b, other, "x.hemp"), doctest::Contains("there twice"), DataError);
}

TEST_CASE("what no network can use is not loaded") {
    Model    model = small_network();
    HempFile file  = package(model, nullptr);
    SUBCASE("a variance below 0") {
        file.tensors[place_of(model, Role::running_variance)].symbols.assign(4, -1);
        CHECK_THROWS_WITH_AS(load(model, file, "x.hemp"), doctest::Contains("variance"), DataError);
    }
    SUBCASE("values that are not finite") {
        QuantizedTensor& weights = file.tensors[place_of(model, Role::weight)];
        weights.step             = 3e38f;
        weights.symbols[0]       = 4;
        CHECK_THROWS_WITH_AS(load(model, file, "x.hemp"), doctest::Contains("no finite number"), DataError);
    }
    SUBCASE("the normalisation of other images") {
        file.mean = file.std = {0.5f, 0.5f, 0.5f};
        CHECK_THROWS_WITH_AS(load(model, file, "x.hemp"), doctest::Contains("3 channels"), DataError);
    }
    SUBCASE("but a file without normalisation, which is that of pixels as they are") {
        file.mean = file.std = {};
        load(model, file, "x.hemp");
        CHECK(model.mean == std::vector<float>{0});
        CHECK(model.deviation == std::vector<float>{1});
        CHECK(alike(model, 3).mean == model.mean);
    }
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
