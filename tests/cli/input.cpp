#include "cli/input.h"

#include "cli/evaluate.h"
#include "cli/run.h"
#include "core/file/safetensors.h"
#include "hemp/package.h"
#include "tests/arrays.h"
#include "tests/folder.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

namespace {

/// What PyTorch's state_dict of the model holds: its parameters, and counters that nothing here needs.
Safetensors state_dict_of(const Model& model) {
    Safetensors content;
    for (const Parameter& each : model.parameters()) {
        content.arrays.push_back({each.name, value_of(each.variable)});
        if (each.role == Role::running_variance) {
            std::string layer = each.name.substr(0, each.name.rfind('.'));
            content.arrays.push_back({layer + ".num_batches_tracked", Array(Shape{}, std::vector<int64_t>{390})});
        }
    }
    return content;
}

Array& array_of(Safetensors& content, const std::string& name) {
    auto found = std::ranges::find(content.arrays, name, &NamedArray::name);
    REQUIRE(found != content.arrays.end());
    return found->values;
}

}  // namespace

TEST_CASE("a safetensors file as PyTorch writes it") {
    TemporaryFolder folder;
    Model           model   = build_model("resnet20", 5);
    Safetensors     content = state_dict_of(model);
    auto            read    = [&] {
        write_file_atomically(folder / "x.safetensors", format_safetensors(content));
        return read_input(folder / "x.safetensors", "resnet20", size_t{1} << 24).model;
    };
    auto refused = [&](const std::string& why) {
        CHECK_THROWS_WITH_AS(read(), doctest::Contains((folder / "x.safetensors").string().c_str()), DataError);
        CHECK_THROWS_WITH_AS(read(), doctest::Contains(why.c_str()), DataError);
    };

    SUBCASE("loads as it is") {
        Model loaded = read();
        for (const Parameter& each : model.parameters()) {
            CHECK(same_bits(value_of(parameter(loaded, each.name).variable), value_of(each.variable)));
        }
    }
    SUBCASE("of a network that needs a tensor less is refused") {
        content.arrays.push_back({"layer1.3.bn1.bias", Array(Type{{16}})});
        refused("tensor 'layer1.3.bn1.bias' is none of resnet20's; is it another model's file?");
    }
    SUBCASE("without one of the tensors is refused") {
        std::erase_if(content.arrays, [](const NamedArray& each) { return each.name == "fc.bias"; });
        refused("there is no tensor 'fc.bias', which resnet20 needs");
    }
    SUBCASE("of a network that has diverged is refused") {
        array_of(content, "fc.weight").values<float>()[7] = std::nanf("");
        refused("tensor 'fc.weight' has a value that is nan");
    }
    SUBCASE("with a variance below 0 is refused") {
        array_of(content, "bn1.running_var").values<float>()[3] = -1;
        refused("tensor 'bn1.running_var' has the variance -1");
    }
}

TEST_CASE("a normalisation of the file's own goes along") {
    TemporaryFolder folder;
    Model           model = build_model("lenet300", 5);
    HempFile        file  = package(model, nullptr);
    auto            path  = folder / "own.hemp";
    const auto      mean  = std::vector<float>{0.7f};
    const auto      std   = std::vector<float>{0.1f};
    file.mean             = mean;
    file.std              = std;
    write_file_atomically(path, encode(file, model_spec));

    Settings   settings;
    RunOptions options{.input = path.string(), .data = "digits", .recipe = "hemp", .epochs = 1, .batch = 500};
    settings.quiet   = true;
    RunResult result = run_training(options, {.folder = folder / "run"}, settings);
    for (const char* name : {"model.hemp", "best.ckpt", "last.ckpt"}) {
        CAPTURE(name);
        Model read = read_input(folder / "run" / name, "", size_t{1} << 26).model;
        CHECK(read.mean == mean);
        CHECK(read.deviation == std);
        if (std::string(name) != "last.ckpt") {  // of all accuracies that of the file
            double accuracy = Evaluator(read).run(load_dataset("digits", Part::test)).accuracy;
            CHECK(result.summary["accuracy"].get<double>() == doctest::Approx(accuracy).epsilon(0.01));
        }
    }
}

TEST_CASE("names of classes that are no text, or more than the network has, are refused") {
    TemporaryFolder folder;
    Safetensors     content = state_dict_of(build_model("lenet300", 5));
    const auto      path    = folder / "x.safetensors";
    for (const auto& [classes, why] :
         {std::pair{R"(["a\u001b[2J"])", "no printable UTF-8"}, std::pair{R"({"a": 1})", "no JSON array of names"},
          std::pair{R"(["0","1","2","3","4","5","6","7","8","9","10"])", "names 11 classes, but lenet300 has 10"}}) {
        content.metadata[classes_key] = classes;
        write_file_atomically(path, format_safetensors(content));
        CHECK_THROWS_WITH_AS(read_input(path, "lenet300", size_t{1} << 24), doctest::Contains(why), DataError);
    }
    content.metadata[classes_key] = R"(["ape"])";
    write_file_atomically(path, format_safetensors(content));
    CHECK(read_input(path, "lenet300", size_t{1} << 24).classes == std::vector<std::string>{"ape"});
}
