#include "hemp/package.h"

#include "hemp/error_diffusion.h"
#include "models/description.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace hemp {
namespace {

constexpr float most_steps = 1 << 29;  // so that an integer fits the file, with what its neighbours hand on

float largest_magnitude(const Array& values) {
    auto [low, high] = std::ranges::minmax(values.values<float>());
    return std::max(std::abs(low), std::abs(high));
}

QuantizedTensor rounded(const Parameter& parameter, const Array& values, float step, const Grid& grid = {}) {
    QuantizedTensor result{.name    = parameter.name,
                           .shape   = parameter.variable.shape(),
                           .symbols = diffused(values.values<float>(), step, grid),
                           .step    = step,
                           .levels  = {}};
    for (int32_t symbol : result.symbols) {
        if (!std::isfinite(static_cast<float>(symbol) * step)) {
            fail("compress: tensor '{}' holds {}, too large to be rounded; the network is broken, train it again",
                 parameter.name, largest_magnitude(values));
        }
    }
    return result;
}

/// Kernels, and first weights that meet whole images, pixel by pixel.
Grid grid_of(const Model& model, const Parameter& parameter) {
    const Shape& shape    = parameter.variable.shape();
    auto         first    = std::ranges::find(model.parameters(), Role::weight, &Parameter::role);
    bool         is_first = parameter.name == first->name;
    if (shape.rank() == 4) {
        return {shape[2], shape[3]};
    }
    return is_first && shape.rank() == 2 && shape[1] == model.image.size() ? Grid{model.image[1], model.image[2]}
                                                                           : Grid{};
}

QuantizedTensor rounded_finely(const Parameter& parameter, const Array& values, const PackageOptions& options) {
    auto [low, high] = std::ranges::minmax(values.values<float>());
    if (low == high) {
        return with_levels(parameter, values, {low});
    }
    bool  side = parameter.role == Role::weight || parameter.role == Role::bias;
    float step = short_step(largest_magnitude(values) /
                            static_cast<float>((side ? options.side_levels : options.norm_levels) / 2));
    return rounded(parameter, values, step > 0 ? step : 1.0f);
}

/// scale * (x - mean) / sqrt(variance + epsilon) + shift, the same with mean 0 and variance 1, which cost nothing.
void fold(Array& scale, Array& shift, Array& mean, Array& variance, float epsilon) {
    std::span<float> a = scale.values<float>(), b = shift.values<float>(), m = mean.values<float>(),
                     v = variance.values<float>();
    auto is            = [](float value) { return [value](float x) { return x == value; }; };
    if (std::ranges::all_of(m, is(0)) && std::ranges::all_of(v, is(1))) {
        return;  // to the bit what it is
    }
    // A channel that hardly varies says nothing, and its factor would be larger by far than all others.
    float silent = 1e-4f * epsilon;
    for (size_t i = 0; i < a.size(); ++i) {
        double factor = a[i] / std::sqrt(static_cast<double>(v[i]) + static_cast<double>(epsilon));
        if (v[i] < silent) {
            a[i] = 0;  // what it gives is the shift
        } else {
            b[i] = static_cast<float>(b[i] - m[i] * factor);
            a[i] = static_cast<float>(factor * std::sqrt(1 + static_cast<double>(epsilon)));
        }
        m[i] = 0;
        v[i] = 1;
    }
}

HempFile empty_file(const Model& model) {
    return {.model = model.source, .mean = model.mean, .std = model.deviation, .classes = {}, .tensors = {}};
}

}  // namespace

std::shared_ptr<const ModelSpec> model_spec(std::string_view name) {
    if (!is_description(name) && !is_model_name(name)) {
        return nullptr;
    }
    Model model = build_model(std::string(name), 0);
    if (model.source != name) {
        return nullptr;  // another way to say it: a file has one for each network
    }
    auto spec  = std::make_shared<ModelSpec>();
    spec->name = name;
    spec->mean = model.mean;
    spec->std  = model.deviation;
    for (const Parameter& parameter : model.parameters()) {
        spec->tensors.emplace_back(parameter.name, parameter.variable.shape());
    }
    return spec;
}

std::vector<Array> file_values(const Model& model) {
    const Parameters&  parameters = model.parameters();
    std::vector<Array> values;
    for (const Parameter& each : parameters) {
        values.push_back(value_of(each.variable));
        check_values(each, values.back(), "compress");
    }
    for (size_t i = 3; i < parameters.size(); ++i) {
        if (parameters[i].role == Role::running_variance) {  // batch norm's four stand together
            fold(values[i - 3], values[i - 2], values[i - 1], values[i], parameters[i].epsilon);
            check_values(parameters[i - 3], values[i - 3], "compress, with batch norm's variance in its scale");
            check_values(parameters[i - 2], values[i - 2], "compress, with batch norm's mean in its shift");
        }
    }
    return values;
}

QuantizedTensor with_levels(const Parameter& parameter, const Array& values, const std::vector<float>& levels) {
    QuantizedTensor result{
        .name = parameter.name, .shape = parameter.variable.shape(), .symbols = {}, .step = 1, .levels = levels};
    if (levels.size() == 1) {  // a bias that no step has moved yet
        result.symbols.assign(static_cast<size_t>(result.shape.size()), 0);
    } else {
        std::vector<uint8_t> indices = symbols(values.values<float>(), levels);
        result.symbols.assign(indices.begin(), indices.end());
    }
    return canonical(std::move(result));
}

HempFile package(const Model& model, const Regularizer* regularizer, const PackageOptions& options) {
    HempFile           file   = empty_file(model);
    std::vector<Array> values = file_values(model);
    for (size_t i = 0; i < values.size(); ++i) {
        const Parameter& parameter = model.parameters()[i];
        size_t           place     = 0;
        while (regularizer != nullptr && place < regularizer->weights().size() &&
               regularizer->weights()[place] != parameter.variable) {
            ++place;
        }
        bool has_levels = regularizer != nullptr && place < regularizer->weights().size();
        if (!has_levels) {
            file.tensors.push_back(rounded_finely(parameter, values[i], options));
            continue;
        }
        file.tensors.push_back(with_levels(parameter, values[i], regularizer->level_values(place)));
        if (QuantizedTensor& last = file.tensors.back(); last.levels.empty()) {
            last.step = short_step(last.step);
        }
    }
    return file;
}

float short_step(float step) {
    int   exponent;
    float fraction = std::frexp(step, &exponent);
    return std::ldexp(std::ceil(fraction * 256) / 256, exponent);
}

float root_mean_square_of_weights(const Model& model) {
    double sum = 0, count = 0;
    for (const Parameter& each : model.parameters()) {
        if (each.role == Role::weight) {
            for (float value : value_of(each.variable).values<float>()) {
                sum += static_cast<double>(value) * static_cast<double>(value);
                ++count;
            }
        }
    }
    return static_cast<float>(std::sqrt(sum / std::max(count, 1.0)));
}

HempFile package_uniform(const Model& model, float step, const PackageOptions& options) {
    if (!(step > 0)) {
        fail<UsageError>("compress: the step is {}; it must be above 0", step);
    }
    HempFile           file   = empty_file(model);
    std::vector<Array> values = file_values(model);
    for (size_t i = 0; i < values.size(); ++i) {
        const Parameter& parameter = model.parameters()[i];
        bool             is_weight = parameter.role == Role::weight;
        if (is_weight && largest_magnitude(values[i]) >= most_steps * step) {
            fail<UsageError>("compress: tensor '{}' holds {}, more than 2^29 steps of {}; the step must be larger",
                             parameter.name, largest_magnitude(values[i]), step);
        }
        file.tensors.push_back(is_weight ? rounded(parameter, values[i], step, grid_of(model, parameter))
                                         : rounded_finely(parameter, values[i], options));
    }
    return file;
}

HempFile in_order_of(const Model& model, HempFile file, const std::string& where) {
    const Parameters& parameters = model.parameters();
    if (file.tensors.size() != parameters.size()) {
        fail<DataError>("{}: the file holds {} tensors, {} has {}", where, file.tensors.size(), model.name,
                        parameters.size());
    }
    std::map<std::string_view, size_t> places;
    for (size_t i = 0; i < parameters.size(); ++i) {
        places[parameters[i].name] = i;
    }
    std::vector<QuantizedTensor> ordered(parameters.size());
    for (QuantizedTensor& tensor : file.tensors) {
        auto place = places.find(tensor.name);
        if (place == places.end()) {
            fail<DataError>("{}: tensor '{}' is none of {}'s, or there twice", where, tensor.name, model.name);
        }
        const Parameter& parameter = parameters[place->second];
        if (parameter.variable.shape() != tensor.shape) {
            fail<DataError>("{}: tensor '{}' has shape {} in the file, {} in {}", where, tensor.name, tensor.shape,
                            parameter.variable.shape(), model.name);
        }
        ordered[place->second] = std::move(tensor);
        places.erase(place);
    }
    file.tensors = std::move(ordered);
    return file;
}

void load(Model& model, HempFile file, const std::string& where) {
    auto channels = static_cast<size_t>(model.image[0]);
    if (file.mean.empty()) {  // inputs are taken as they are
        file.mean.assign(channels, 0);
        file.std.assign(channels, 1);
    }
    if (file.mean.size() != channels) {
        fail<DataError>("{}: the file's normalisation is of {} channels, {} takes {}", where, file.mean.size(),
                        model.name, channels);
    }
    file = in_order_of(model, std::move(file), where);
    for (size_t i = 0; i < file.tensors.size(); ++i) {
        const Parameter& parameter = model.parameters()[i];
        Array            values    = dequantize(file.tensors[i]);
        file.tensors[i].symbols    = {};  // symbols and values of all tensors would be twice the memory
        check_values(parameter, values, where);
        value_of(parameter.variable) = std::move(values);
    }
    model.mean      = std::move(file.mean);
    model.deviation = std::move(file.std);
}

}  // namespace hemp
