#include "hemp/package.h"

#include <algorithm>
#include <cmath>
#include <map>

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

QuantizedTensor rounded_finely(const Parameter& parameter, const PackageOptions& options) {
    float largest = 0;
    for (float value : value_of(parameter.variable).values<float>()) {
        largest = std::max(largest, std::abs(value));
    }
    // The step is a float of 8 significant bits: it costs a byte less, and changes nothing that matters.
    float step = largest / static_cast<float>(options.side_levels / 2);
    int   exponent;
    float fraction = std::frexp(step, &exponent);
    step           = std::ldexp(std::ceil(fraction * 256) / 256, exponent);
    return rounded(parameter, step > 0 ? step : 1.0f);
}

HempFile empty_file(const Model& model) {
    return {.model = model.name, .mean = model.mean, .std = model.deviation, .classes = {}, .tensors = {}};
}

}  // namespace

const ModelSpec* model_spec(std::string_view name) {
    static const std::map<std::string, ModelSpec, std::less<>> specs = [] {
        std::map<std::string, ModelSpec, std::less<>> made;
        for (const std::string& known : model_names()) {
            Model     model = build_model(known, 0);
            ModelSpec spec{.name = known, .tensors = {}, .mean = model.mean, .std = model.deviation, .classes = {}};
            for (const Parameter& parameter : model.parameters()) {
                spec.tensors.emplace_back(parameter.name, parameter.variable.shape());
            }
            made[known] = std::move(spec);
        }
        return made;
    }();
    auto found = specs.find(name);
    return found == specs.end() ? nullptr : &found->second;
}

QuantizedTensor with_levels(const Parameter& parameter, const std::vector<float>& levels) {
    QuantizedTensor result{
        .name = parameter.name, .shape = parameter.variable.shape(), .symbols = {}, .step = 1, .levels = levels};
    std::vector<uint8_t> indices = symbols(value_of(parameter.variable).values<float>(), levels);
    result.symbols.assign(indices.begin(), indices.end());
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
        file.tensors.push_back(has_levels ? with_levels(parameter, regularizer->level_values(place))
                                          : rounded_finely(parameter, options));
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
