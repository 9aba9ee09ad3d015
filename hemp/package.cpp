#include "hemp/package.h"

#include "models/description.h"

#include <algorithm>
#include <cmath>

namespace hemp {
namespace {

QuantizedTensor rounded(const Parameter& parameter, float step) {
    QuantizedTensor result{
        .name = parameter.name, .shape = parameter.variable.shape(), .symbols = {}, .step = step, .levels = {}};
    for (float value : value_of(parameter.variable).values<float>()) {
        if (!std::isfinite(value)) {
            fail("compress: tensor '{}' holds {}; the network is broken, train it again", parameter.name, value);
        }
        result.symbols.push_back(static_cast<int32_t>(std::lrint(value / step)));
    }
    return result;
}

/// The next float of 8 significant bits: it takes a byte or two less, and changes nothing that matters.
float short_step(float step) {
    int   exponent;
    float fraction = std::frexp(step, &exponent);
    return std::ldexp(std::ceil(fraction * 256) / 256, exponent);
}

QuantizedTensor rounded_finely(const Parameter& parameter, const PackageOptions& options) {
    float largest = 0;
    for (float value : value_of(parameter.variable).values<float>()) {
        largest = std::max(largest, std::abs(value));
    }
    bool  side = parameter.role == Role::weight || parameter.role == Role::bias;
    float step = short_step(largest / static_cast<float>((side ? options.side_levels : options.norm_levels) / 2));
    return rounded(parameter, step > 0 ? step : 1.0f);
}

HempFile empty_file(const Model& model) {
    return {.model = model.source, .mean = model.mean, .std = model.deviation, .classes = {}, .tensors = {}};
}

}  // namespace

std::shared_ptr<const ModelSpec> model_spec(std::string_view name) {
    std::vector<std::string> known = model_names();
    if (!is_description(name) && std::find(known.begin(), known.end(), name) == known.end()) {
        return nullptr;
    }
    Model model = build_model(std::string(name), 0);
    auto  spec  = std::make_shared<ModelSpec>();
    spec->name  = name;
    spec->mean  = model.mean;
    spec->std   = model.deviation;
    for (const Parameter& parameter : model.parameters()) {
        spec->tensors.emplace_back(parameter.name, parameter.variable.shape());
    }
    return spec;
}

QuantizedTensor with_levels(const Parameter& parameter, const std::vector<float>& levels) {
    QuantizedTensor result{
        .name = parameter.name, .shape = parameter.variable.shape(), .symbols = {}, .step = 1, .levels = levels};
    if (levels.size() == 1) {  // a bias that no step has moved yet
        result.symbols.assign(static_cast<size_t>(result.shape.size()), 0);
    } else {
        std::vector<uint8_t> indices = symbols(value_of(parameter.variable).values<float>(), levels);
        result.symbols.assign(indices.begin(), indices.end());
    }
    return canonical(std::move(result));
}

HempFile package(const Model& model, const Regularizer* regularizer, const PackageOptions& options) {
    HempFile file = empty_file(model);
    for (const Parameter& parameter : model.parameters()) {
        size_t place = 0;
        while (regularizer != nullptr && place < regularizer->weights().size() &&
               regularizer->weights()[place] != parameter.variable) {
            ++place;
        }
        bool has_levels = regularizer != nullptr && place < regularizer->weights().size();
        if (!has_levels) {
            file.tensors.push_back(rounded_finely(parameter, options));
            continue;
        }
        file.tensors.push_back(with_levels(parameter, regularizer->level_values(place)));
        if (QuantizedTensor& last = file.tensors.back(); last.levels.empty()) {
            last.step = short_step(last.step);
        }
    }
    return file;
}

HempFile package_uniform(const Model& model, float step, const PackageOptions& options) {
    if (!(step > 0)) {
        fail<UsageError>("compress: the step is {}; it must be above 0", step);
    }
    HempFile file = empty_file(model);
    for (const Parameter& parameter : model.parameters()) {
        file.tensors.push_back(parameter.role == Role::weight ? rounded(parameter, step)
                                                              : rounded_finely(parameter, options));
    }
    return file;
}

void load(Model& model, const HempFile& file) {
    if (file.tensors.size() != model.parameters().size()) {
        fail<DataError>("{}: the file holds {} tensors, the model has {}", model.name, file.tensors.size(),
                        model.parameters().size());
    }
    for (const QuantizedTensor& tensor : file.tensors) {
        const Parameter& target = parameter(model, tensor.name);
        if (target.variable.shape() != tensor.shape) {
            fail<DataError>("{}: tensor '{}' has shape {} in the file, {} in the model", model.name, tensor.name,
                            tensor.shape, target.variable.shape());
        }
        value_of(target.variable) = dequantize(tensor);
    }
    model.mean      = file.mean;
    model.deviation = file.std;
}

}  // namespace hemp
