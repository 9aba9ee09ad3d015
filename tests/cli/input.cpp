#include "cli/input.h"

#include "core/file/safetensors.h"
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
