// Small versions of the networks agree with PyTorch's, which tests/models/make-golden.py ran on the same weights.

#include "core/run/program.h"
#include "models/alexnet.h"
#include "models/mobilenet.h"
#include "models/resnet.h"
#include "models/vgg.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace hemp;

namespace {

uint32_t fnv(const std::string& name) {
    uint32_t hash = 0x811C9DC5;
    for (char c : name) {
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x01000193;
    }
    return hash;
}

uint32_t hash_of(uint32_t stream, uint32_t index) {
    uint32_t h = index * 2654435761u + stream;
    h          = (h ^ h >> 15) * 2246822519u;
    h          = (h ^ h >> 13) * 3266489917u;
    return h ^ h >> 16;
}

void set_by_rule(const Parameter& parameter) {
    const Shape& shape  = parameter.variable.shape();
    uint32_t     stream = fnv(parameter.name), index = 0;
    Array        values(Type{shape});
    for (float& value : values.values<float>()) {
        double u = hash_of(stream, index++) / 2147483648.0 - 1;
        if (parameter.role == Role::running_variance) {
            u = 1 + 0.5 * u;
        } else if (shape.rank() >= 2) {
            u *= std::sqrt(6.0 / static_cast<double>(shape.size() / shape[0]));
        } else if (parameter.role == Role::scale) {
            u = 1 + 0.25 * u;
        } else {
            u *= 0.1;
        }
        value = static_cast<float>(u);
    }
    value_of(parameter.variable) = std::move(values);
}

std::vector<float> logits(const Model& model, bool frozen) {
    for (const Parameter& each : model.parameters()) {
        set_by_rule(each);
    }
    Array    images(Type{{2, model.image[0], model.image[1], model.image[2]}, DType::u8});
    uint32_t stream = fnv("images"), index = 0;
    for (uint8_t& pixel : images.values<uint8_t>()) {
        pixel = static_cast<uint8_t>(hash_of(stream, index++) >> 24);
    }
    Tensor  images_input = input("images", images.shape(), DType::u8);
    Pass    pass;
    Program program = compile({model(images_input, pass)}, {}, {.frozen = frozen});
    program.run({{images_input, images}});
    std::span<const float> all = program.output(0).values<float>();
    return {all.begin(), all.end()};
}

}  // namespace

TEST_CASE("small versions of the networks give PyTorch's logits") {
    std::ifstream  file(std::string(HEMP_SOURCE_ROOT) + "/tests/golden/networks.json");
    nlohmann::json golden = nlohmann::json::parse(file);

    using namespace models;
    const Shape        small{3, 64, 64}, cifar{3, 32, 32};
    std::vector<Model> nets{
        resnet20(1),
        resnet({.name = "resnet18", .blocks = {2, 2, 2, 2}, .width = 8, .image = small, .classes = 10}, 1),
        resnet({.name    = "resnet50",
                .blocks  = {3, 4, 6, 3},
                .width   = 8,
                .block   = ResNet::Block::bottleneck,
                .image   = small,
                .classes = 10},
               1),
        resnet({.name    = "resnet18-cifar",
                .blocks  = {2, 2, 2, 2},
                .width   = 8,
                .stem    = ResNet::Stem::cifar,
                .image   = cifar,
                .classes = 10},
               1),
        vgg({.name = "vgg16", .width = 8, .hidden = 32, .image = small, .classes = 10}, 1),
        vgg({.name = "vgg16-cifar", .width = 8, .hidden = 0, .conv_bias = false, .image = cifar, .classes = 10}, 1),
        mobilenetv2({.name = "mobilenetv2", .width = 0.25, .image = small, .classes = 10}, 1),
        mobilenetv2({.name = "mobilenetv2-cifar", .width = 0.25, .cifar = true, .image = cifar, .classes = 10}, 1),
        alexnet({.name = "alexnet", .width = 8, .hidden = 32, .image = {3, 96, 96}, .classes = 10}, 1),
        alexnet({.name = "alexnet-cifar", .width = 8, .hidden = 0, .image = cifar, .classes = 10}, 1),
    };
    CHECK(nets.size() == golden.size());
    for (const Model& model : nets) {
        for (bool frozen : {false, true}) {
            CAPTURE(model.name);
            CAPTURE(frozen);
            REQUIRE(golden.contains(model.name));
            std::vector<float> expected = golden[model.name], got = logits(model, frozen);
            REQUIRE(got.size() == expected.size());
            float largest = 0, difference = 0;
            for (size_t i = 0; i < got.size(); ++i) {
                largest    = std::max(largest, std::abs(expected[i]));
                difference = std::max(difference, std::abs(got[i] - expected[i]));
            }
            CHECK(difference <= 1e-4f * largest);
        }
    }
}
