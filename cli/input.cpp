#include "cli/input.h"

#include "cli/output.h"
#include "core/file/checkpoint.h"
#include "hemp/package.h"
#include "models/description.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

namespace fs = std::filesystem;

namespace hemp {
namespace {

/// The model that a file says it holds, or else the one asked for.
std::string model_of(const std::optional<std::string>& stored, const std::string& asked, const std::string& where) {
    if (!stored && asked.empty()) {
        fail<UsageError>(
            "{}: the file does not say which model its weights belong to; name it with --model, where the command "
            "takes that",
            where);
    }
    if (stored && !asked.empty() && asked != *stored) {
        fail<UsageError>("{}: the file holds a {}, not a {}; leave --model out", where, *stored, asked);
    }
    return stored.value_or(asked);
}

std::optional<std::string> stored_model(const Safetensors& content) {
    auto stored = content.metadata.find("model");
    return stored == content.metadata.end() ? std::nullopt : std::optional(stored->second);
}

/// More classes than the network tells apart, or names that no terminal should be sent, are none of its own.
void check_classes(const std::vector<std::string>& classes, const Model& model, const std::string& where) {
    if (static_cast<int64_t>(classes.size()) > model.classes) {
        fail<DataError>("{}: names {} classes, but {} has {}; write the file again", where, classes.size(), model.name,
                        model.classes);
    }
    for (const std::string& name : classes) {
        if (name.size() > most_name || !is_printable_utf8(name)) {
            fail<DataError>(
                "{}: the name of a class is longer than {} bytes or no printable UTF-8; write the file again", where,
                most_name);
        }
    }
}

Input from_hemp(const fs::path& path, std::span<const std::byte> bytes, const std::string& asked, size_t max_memory) {
    HempFile                 file    = decode(bytes, path.string(), model_spec, {.max_memory = max_memory});
    auto                     stored  = file.model.empty() ? std::nullopt : std::optional(file.model);
    Model                    model   = build_model(model_of(stored, asked, path.string()), 1);
    std::vector<std::string> classes = file.classes;
    check_classes(classes, model, path.string());
    load(model, std::move(file), path.string());
    return {std::move(model), path, {}, std::move(classes), bytes.size()};
}

std::vector<std::string> classes_of(const Safetensors& content, const std::string& where) {
    auto stored = content.metadata.find(classes_key);
    if (stored == content.metadata.end()) {
        return {};
    }
    Json json  = parse_json(stored->second);
    bool names = json.is_array() && std::ranges::all_of(json, [](const Json& each) { return each.is_string(); });
    if (!names) {
        fail<DataError>("{}: metadata '{}' is no JSON array of names; write the file again", where, classes_key);
    }
    return json.get<std::vector<std::string>>();
}

/// What the metadata say of the normalisation; a file of another program does not.
void set_normalisation(Model& model, const Safetensors& content, const std::string& where) {
    auto stored = content.metadata.find(normalisation_key);
    if (stored == content.metadata.end()) {
        return;
    }
    auto channels = static_cast<size_t>(model.image[0]);
    try {
        Json json       = parse_json(stored->second);
        model.mean      = json.at("mean").get<std::vector<float>>();
        model.deviation = json.at("std").get<std::vector<float>>();
    } catch (const Json::exception&) {
        model.mean.clear();
    }
    auto finite = [](float value) { return std::isfinite(value); };
    if (model.mean.size() != channels || model.deviation.size() != channels ||
        !std::ranges::all_of(model.mean, finite) ||
        !std::ranges::all_of(model.deviation, [&](float value) { return finite(value) && value > 0; })) {
        fail<DataError>("{}: metadata '{}' is no mean and std of {} channels; write the file again", where,
                        normalisation_key, channels);
    }
}

/// A larger network's file may hold all that this one needs, under the same names.
void refuse_others(const Model& model, const Safetensors& content, const std::string& where) {
    std::set<std::string_view> names;
    for (const Parameter& each : model.parameters()) {
        names.insert(each.name);
    }
    for (const NamedArray& each : content.arrays) {
        if (!names.contains(each.name) && !each.name.ends_with(".num_batches_tracked")) {
            fail<DataError>("{}: tensor '{}' is none of {}'s; is it another model's file?", where, each.name,
                            model.name);
        }
    }
}

}  // namespace

std::string model_source(const std::string& named) {
    if (!named.ends_with(".json")) {
        return named;
    }
    Bytes            bytes = read_file(named, most_description, wrong_file);
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return build_described(text, 1, named).source;
}

std::vector<std::string> kept_classes(const std::vector<std::string>& classes) {
    for (size_t i = 0; i < classes.size(); ++i) {
        if (classes[i] != std::to_string(i)) {
            return classes;
        }
    }
    return {};
}

std::string normalisation_text(std::span<const float> mean, std::span<const float> deviation) {
    return fmt::format(R"({{"mean":[{}],"std":[{}]}})", fmt::join(mean, ","), fmt::join(deviation, ","));
}

void set_parameters(const Model& model, Safetensors values, const std::string& where) {
    for (const Parameter& each : model.parameters()) {
        Array* array = values.find(each.name);
        if (array == nullptr) {
            fail<DataError>("{}: there is no tensor '{}', which {} needs; is it another model's file?", where,
                            each.name, model.name);
        }
        if (array->type() != each.variable.type()) {
            fail<DataError>("{}: tensor '{}' is {}, but {} needs {}; is it another model's file?", where, each.name,
                            array->type(), model.name, each.variable.type());
        }
        check_values(each, *array, where);
        value_of(each.variable) = std::move(*array);
    }
}

bool is_hemp(std::string_view start) { return start.starts_with("HEMP"); }

fs::path input_file(const fs::path& named) {
    if (!fs::is_directory(named)) {
        return named;
    }
    for (const char* name : {"best.ckpt", "model.hemp", "last.ckpt"}) {
        if (fs::exists(named / name)) {
            return named / name;
        }
    }
    fail("{}: this folder holds neither best.ckpt nor model.hemp nor last.ckpt; name the folder of a run",
         named.string());
}

Input read_input(const fs::path& named, const std::string& model_name, size_t max_memory) {
    fs::path    path  = input_file(named);
    std::string where = path.string();
    std::string asked = model_source(model_name);
    Bytes       bytes = read_file(path, max_memory);
    if (is_hemp({reinterpret_cast<const char*>(bytes.data()), bytes.size()})) {
        return from_hemp(path, bytes, asked, max_memory);
    }
    Safetensors content = parse_safetensors(bytes, where);
    bool        state   = content.metadata.contains("hemp.checksum");  // of training: of the optimizer as well
    if (state) {
        content = parse_checkpoint(bytes, where);
    }
    Model model = build_model(model_of(stored_model(content), asked, where), 1);
    if (!state) {
        refuse_others(model, content, where);
    }
    set_normalisation(model, content, where);
    std::vector<std::string> classes = classes_of(content, where);
    check_classes(classes, model, where);
    std::map<std::string, std::string> metadata = std::move(content.metadata);
    set_parameters(model, std::move(content), where);
    return {std::move(model), path, std::move(metadata), std::move(classes), bytes.size()};
}

Model named_model(const std::string& named, size_t max_memory) {
    std::error_code error;
    bool            fresh = named.ends_with(".json") || is_model_name(named);
    return fresh || !fs::exists(named, error) ? build_model(model_source(named), 1)
                                              : read_input(named, "", max_memory).model;
}

}  // namespace hemp
