// The networks of the registry: sizes as published.

#include "models/mobilenet.h"
#include "models/model.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <sstream>

using namespace hemp;

namespace {

int64_t trained_parameters(const Model& model) {
    int64_t count = 0;
    for (const Tensor& each : model.trained()) {
        count += each.shape().size();
    }
    return count;
}

}  // namespace

TEST_CASE("the networks have as many parameters as the literature counts") {
    // Of torchvision's documentation for those at 224; of He and others, table 6, rounded there, for 20 to 110.
    const std::map<std::string, int64_t> published{
        {"lenet300", 266610},         {"lenet5", 431080},
        {"resnet20", 269722},         {"resnet32", 464154},
        {"resnet44", 658586},         {"resnet56", 853018},
        {"resnet110", 1727962},       {"resnet18", 11689512},
        {"resnet34", 21797672},       {"resnet50", 25557032},
        {"resnet18-cifar", 11173962}, {"resnet34-cifar", 21282122},
        {"resnet50-cifar", 23520842}, {"vgg16-cifar", 14728266 - 4224},  // without biases before batch norm
        {"vgg16", 138365992},         {"mobilenetv2-cifar", 2296922},
        {"mobilenetv2", 3504872},     {"alexnet-cifar", 2472266},
        {"mobilenetv2-0.5", 1968680}, {"mobilenetv2-0.75", 2636424},
        {"mobilenetv2-1.4", 6108776}, {"alexnet", 61100840}};
    for (const std::string& name : model_names()) {
        CAPTURE(name);
        REQUIRE(published.contains(name));
        Model model = build_model(name, 1);
        CHECK(model.name == name);
        CHECK(trained_parameters(model) == published.at(name));
    }
    CHECK(model_names().size() == published.size());
}

TEST_CASE("tensors have torchvision's names and shapes, in its order") {
    // Written by tests/models/make-torchvision-names.py.
    std::ifstream golden(HEMP_SOURCE_ROOT "/tests/golden/torchvision-names.txt");
    REQUIRE(golden.good());
    std::map<std::string, std::string> expected;
    std::string                        line, network;
    while (std::getline(golden, line)) {
        if (line.starts_with(' ')) {
            expected.at(network) += line.substr(1) + "\n";
        } else {
            network = line;
            expected[network];
        }
    }
    REQUIRE(expected.size() == 6);
    for (const auto& each_network : expected) {
        const std::string& name    = each_network.first;
        const std::string& tensors = each_network.second;
        CAPTURE(name);
        Model              model = build_model(name, 1);
        std::ostringstream own;
        for (const Parameter& each : model.parameters()) {
            own << each.name;
            const Shape& shape = each.variable.shape();
            for (int i = 0; i < shape.rank(); ++i) {
                own << ' ' << shape[i];
            }
            own << '\n';
        }
        CHECK(own.str() == tensors);
    }
}

TEST_CASE("every network takes images of its size to its classes") {
    for (const std::string& name : model_names()) {
        CAPTURE(name);
        Model model = build_model(name, 1);
        for (bool training : {false, true}) {
            Pass   pass{.training = training, .step = constant(Array(Shape{}, std::vector<int32_t>{0}))};
            Tensor images = input("images", {2, model.image[0], model.image[1], model.image[2]}, DType::u8);
            CHECK(model(images, pass).type() == Type{{2, model.classes}});
        }
        CHECK(model.mean.size() == static_cast<size_t>(model.image[0]));
        CHECK(model.deviation.size() == model.mean.size());
    }
}
