#include "models/model.h"

#include "core/join.h"
#include "core/ops/cast.h"
#include "core/ops/divide.h"
#include "core/ops/multiply.h"
#include "core/ops/subtract.h"
#include "models/alexnet.h"
#include "models/description.h"
#include "models/lenet.h"
#include "models/mobilenet.h"
#include "models/resnet.h"
#include "models/vgg.h"

#include <fmt/core.h>

namespace hemp {
namespace {

struct Entry {
    const char* name;
    Model (*build)(uint64_t seed);
};

constexpr Entry registry[] = {
    {"lenet300", models::lenet300},
    {"lenet5", models::lenet5},
    {"resnet20", models::resnet20},
    {"resnet32", models::resnet32},
    {"resnet44", models::resnet44},
    {"resnet56", models::resnet56},
    {"resnet110", models::resnet110},
    {"resnet18", models::resnet18},
    {"resnet34", models::resnet34},
    {"resnet50", models::resnet50},
    {"resnet18-cifar", models::resnet18_cifar},
    {"resnet34-cifar", models::resnet34_cifar},
    {"resnet50-cifar", models::resnet50_cifar},
    {"vgg16-cifar", models::vgg16_cifar},
    {"vgg16", models::vgg16},
    {"mobilenetv2-cifar", models::mobilenetv2_cifar},
    {"mobilenetv2", models::mobilenetv2},
    {"mobilenetv2-0.5",
     [](uint64_t seed) { return models::mobilenetv2({.name = "mobilenetv2-0.5", .width = 0.5}, seed); }},
    {"mobilenetv2-0.75",
     [](uint64_t seed) { return models::mobilenetv2({.name = "mobilenetv2-0.75", .width = 0.75}, seed); }},
    {"mobilenetv2-1.4",
     [](uint64_t seed) { return models::mobilenetv2({.name = "mobilenetv2-1.4", .width = 1.4}, seed); }},
    {"alexnet-cifar", models::alexnet_cifar},
    {"alexnet", models::alexnet},
};

Tensor constant_per_channel(const std::vector<float>& values) {
    return constant(Array(Shape{static_cast<int64_t>(values.size()), 1, 1}, values));
}

}  // namespace

Tensors Model::trained() const {
    Tensors variables;
    for (const Parameter& each : parameters()) {
        if (each.trained()) {
            variables.push_back(each.variable);
        }
    }
    return variables;
}

Tensors Model::weights() const {
    Tensors variables;
    for (const Parameter& each : parameters()) {
        if (each.role == Role::weight) {
            variables.push_back(each.variable);
        }
    }
    return variables;
}

Tensor Model::operator()(const Tensor& images, Pass& pass) const {
    expect(images.shape().rank() == 4 && Shape(images.shape().lengths().subspan(1)) == image,
           "{}: images have shape {}; the model takes [N, {}, {}, {}]", name, images.shape(), image[0], image[1],
           image[2]);
    Tensor pixels = cast(images, DType::f32) * (1.0f / 255.0f);
    return network.forward((pixels - constant_per_channel(mean)) / constant_per_channel(deviation), pass);
}

int64_t parameter_count(const Model& model) {
    int64_t count = 0;
    for (const Parameter& each : model.parameters()) {
        count += each.variable.shape().size();
    }
    return count;
}

const Parameter& parameter(const Model& model, const std::string& name) {
    std::string known;
    for (const Parameter& each : model.parameters()) {
        if (each.name == name) {
            return each;
        }
        known += (known.empty() ? "" : ", ") + each.name;
    }
    fail("{}: has no parameter '{}'; it has {}", model.name, name, known);
}

std::vector<std::string> model_names() {
    std::vector<std::string> names;
    for (const Entry& entry : registry) {
        names.emplace_back(entry.name);
    }
    return names;
}

Model build_model(const std::string& source, uint64_t seed) {
    if (is_description(source)) {
        return build_described(source, seed, "description of the network");
    }
    for (const Entry& entry : registry) {
        if (source == entry.name) {
            Model model  = entry.build(seed);
            model.source = source;
            return model;
        }
    }
    fail<UsageError>("model '{}' is not known; choose one of {}, or a .json file that describes one", source,
                     join(model_names()));
}

}  // namespace hemp
