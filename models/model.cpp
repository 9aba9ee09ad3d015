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

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace hemp {
namespace {

constexpr int64_t most_classes = 1 << 16;

struct Entry {
    const char* name;
    int64_t     classes;  // unless told
    Model (*build)(uint64_t seed, int64_t classes);
};

/// With so many channels of a hundred: "mobilenetv2-0.5" has half of them.
template <int percent>
Model scaled_mobilenetv2(uint64_t seed, int64_t classes) {
    return models::mobilenetv2({.name = "mobilenetv2", .width = percent / 100.0, .classes = classes}, seed);
}

constexpr Entry registry[] = {
    {"lenet300", 10, models::lenet300},
    {"lenet5", 10, models::lenet5},
    {"resnet20", 10, models::resnet20},
    {"resnet32", 10, models::resnet32},
    {"resnet44", 10, models::resnet44},
    {"resnet56", 10, models::resnet56},
    {"resnet110", 10, models::resnet110},
    {"resnet18", 1000, models::resnet18},
    {"resnet34", 1000, models::resnet34},
    {"resnet50", 1000, models::resnet50},
    {"resnet18-cifar", 10, models::resnet18_cifar},
    {"resnet34-cifar", 10, models::resnet34_cifar},
    {"resnet50-cifar", 10, models::resnet50_cifar},
    {"vgg16-cifar", 10, models::vgg16_cifar},
    {"vgg16", 1000, models::vgg16},
    {"mobilenetv2-cifar", 10, models::mobilenetv2_cifar},
    {"mobilenetv2", 1000, models::mobilenetv2},
    {"mobilenetv2-0.5", 1000, scaled_mobilenetv2<50>},
    {"mobilenetv2-0.75", 1000, scaled_mobilenetv2<75>},
    {"mobilenetv2-1.4", 1000, scaled_mobilenetv2<140>},
    {"alexnet-cifar", 10, models::alexnet_cifar},
    {"alexnet", 1000, models::alexnet},
};

/// A network of the registry, and how many classes it is to have.
struct Named {
    const Entry* entry;
    int64_t      classes;
};

/// Of "resnet20" or "resnet20:100"; nothing where there is no such network or the number is none.
std::optional<Named> find(std::string_view source) {
    size_t           colon = source.find(':');
    std::string_view name  = source.substr(0, colon);
    for (const Entry& entry : registry) {
        if (name == entry.name) {
            if (colon == std::string_view::npos) {
                return Named{&entry, entry.classes};
            }
            std::string_view count = source.substr(colon + 1);
            int64_t          classes{};
            auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), classes);
            bool whole        = error == std::errc() && end == count.data() + count.size() && count[0] != '0';
            return whole && classes > 0 && classes <= most_classes ? std::optional(Named{&entry, classes})
                                                                   : std::nullopt;
        }
    }
    return {};
}

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

Model alike(const Model& model, uint64_t seed) {
    Model other     = build_model(model.source, seed);
    other.mean      = model.mean;
    other.deviation = model.deviation;
    return other;
}

void copy_parameters(const Model& from, const Model& to) {
    for (size_t i = 0; i < from.parameters().size(); ++i) {
        value_of(to.parameters()[i].variable) = value_of(from.parameters()[i].variable);
    }
}

void check_values(const Parameter& parameter, const Array& values, const std::string& where) {
    for (float value : values.values<float>()) {
        if (!std::isfinite(value)) {
            fail<DataError>("{}: tensor '{}' has a value that is {}, no finite number; train the network again", where,
                            parameter.name, value);
        }
        if (parameter.role == Role::running_variance && value < 0) {
            fail<DataError>("{}: tensor '{}' has the variance {}, but none is below 0; write the file again", where,
                            parameter.name, value);
        }
    }
}

int64_t parameter_count(const Model& model) {
    int64_t count = 0;
    for (const Parameter& each : model.parameters()) {
        count += each.variable.shape().size();
    }
    return count;
}

const Parameter& parameter(const Model& model, const std::string& name) {
    auto found = std::ranges::find(model.parameters(), name, &Parameter::name);
    if (found != model.parameters().end()) {
        return *found;
    }
    std::vector<std::string> known;
    for (const Parameter& each : model.parameters()) {
        known.push_back(each.name);
    }
    fail("{}: has no parameter '{}'; it has {}", model.name, name, join(known));
}

std::vector<std::string> model_names() {
    std::vector<std::string> names;
    for (const Entry& entry : registry) {
        names.emplace_back(entry.name);
    }
    return names;
}

bool is_model_name(std::string_view source) { return find(source).has_value(); }

Model build_model(const std::string& source, uint64_t seed) {
    if (is_description(source)) {
        return build_described(source, seed, "description of the network");
    }
    if (auto named = find(source)) {
        const Entry& entry = *named->entry;
        Model        model = entry.build(seed, named->classes);
        model.name   = named->classes == entry.classes ? entry.name : fmt::format("{}:{}", entry.name, named->classes);
        model.source = model.name;
        return model;
    }
    fail<UsageError>(
        "model '{}' is not known; choose one of {}, with :N behind it for N classes (1 to {}), or a .json file that "
        "describes one",
        source, join(model_names()), most_classes);
}

}  // namespace hemp
