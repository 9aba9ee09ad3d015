#include "models/model.h"

#include "cli/evaluate.h"
#include "core/file/safetensors.h"
#include "tests/arrays.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

using namespace hemp;

namespace {

bool same_weights(const Model& a, const Model& b) {
    for (size_t i = 0; i < a.parameters().size(); ++i) {
        if (!same_bits(value_of(a.parameters()[i].variable), value_of(b.parameters()[i].variable))) {
            return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE("a model") {
    Model model = build_model("lenet5", 1);

    SUBCASE("has weights for the regularizer, and these and biases for the optimizer") {
        CHECK(model.weights().size() == 4);
        CHECK(model.trained().size() == 8);
    }
    SUBCASE("is a function of name and seed") {
        CHECK(same_weights(model, build_model("lenet5", 1)));
        CHECK_FALSE(same_weights(model, build_model("lenet5", 2)));
    }
    SUBCASE("gives a logit for each class") {
        Pass pass;
        CHECK(model(input("images", {3, 1, 28, 28}, DType::u8), pass).type() == Type{{3, 10}});
    }
    SUBCASE("refuses images of another shape") {
        Pass pass;
        CHECK_THROWS_WITH_AS(model(input("images", {3, 3, 32, 32}, DType::u8), pass),
                             "lenet5: images have shape [3, 3, 32, 32]; the model takes [N, 1, 28, 28]", ShapeError);
    }
    SUBCASE("finds parameters by name, and lists the names there are") {
        CHECK(parameter(model, "conv2.weight").variable.shape() == Shape{50, 20, 5, 5});
        CHECK_THROWS_WITH_AS(parameter(model, "conv3.weight"),
                             "lenet5: has no parameter 'conv3.weight'; it has conv1.weight, conv1.bias, conv2.weight, "
                             "conv2.bias, fc1.weight, fc1.bias, fc2.weight, fc2.bias",
                             Error);
    }
    SUBCASE("with a number of classes") {
        Model model = build_model("resnet20:100", 1);
        CHECK(model.name == "resnet20:100");
        CHECK(model.classes == 100);
        CHECK(parameter(model, "fc.weight").variable.shape() == Shape{100, 64});
        CHECK(build_model("resnet20:10", 1).source == "resnet20");  // one name for one network
        for (const char* source : {"resnet20:", "resnet20:0", "resnet20:05", "resnet20:-1", "resnet20:10x",
                                   "resnet20:65537", "resnet20:99999999999999999999", ":10", "resnet:10"}) {
            CAPTURE(source);
            CHECK_FALSE(is_model_name(source));
            CHECK_THROWS_AS(build_model(source, 1), UsageError);
        }
    }
    SUBCASE("that is unknown is refused by name") {
        std::string message;
        try {
            build_model("lenet6", 1);
        } catch (const UsageError& error) {
            message = error.what();
        }
        CHECK(message.starts_with("model 'lenet6' is not known; choose one of lenet300, lenet5"));
    }
}

TEST_CASE("weights trained in PyTorch give PyTorch's accuracy on MNIST") {
    const char* data = std::getenv("HEMP_DATA");
    if (data == nullptr) {
        MESSAGE("skipped: set HEMP_DATA to a folder that holds weights/ and mnist/");
        return;
    }
    const std::filesystem::path folder = data;
    Dataset                     test   = load_dataset((folder / "mnist").string(), Part::test);
    struct Known {
        const char* name;
        double      accuracy;
    };
    for (const Known& known : {Known{"lenet300", 98.65}, Known{"lenet5", 99.26}}) {
        CAPTURE(known.name);
        Model       model  = build_model(known.name, 1);
        Safetensors stored = read_safetensors(folder / "weights" / (std::string(known.name) + ".safetensors"), 1 << 24);
        CHECK(stored.arrays.size() == model.parameters().size());
        for (const Parameter& each : model.parameters()) {
            CAPTURE(each.name);
            const Array* values = stored.find(each.name);
            REQUIRE(values != nullptr);
            REQUIRE(values->type() == each.variable.type());
            value_of(each.variable) = *values;
        }
        Evaluation result = Evaluator(model).run(test);
        CHECK(result.images == 10000);
        CHECK(result.accuracy == doctest::Approx(known.accuracy).epsilon(1e-6));
    }
}
