#include "models/model.h"

#include "core/ops/cast.h"
#include "core/ops/divide.h"
#include "core/ops/multiply.h"
#include "core/ops/subtract.h"
#include "models/lenet.h"

#include <fmt/format.h>

namespace hemp {
namespace {

struct Entry {
    const char* name;
    Model (*build)(uint64_t seed);
};

constexpr Entry registry[] = {
    {"lenet300", models::lenet300},
    {"lenet5", models::lenet5},
};

Tensor per_channel(const std::vector<float>& values) {
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
    return network.forward((pixels - per_channel(mean)) / per_channel(deviation), pass);
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

Model build_model(const std::string& name, uint64_t seed) {
    for (const Entry& entry : registry) {
        if (name == entry.name) {
            return entry.build(seed);
        }
    }
    fail<UsageError>("model '{}' is not known; choose one of {}", name, fmt::join(model_names(), ", "));
}

}  // namespace hemp
