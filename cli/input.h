#pragma once
// A trained model from whatever file it lies in.

#include "core/file/safetensors.h"
#include "models/model.h"

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace hemp {

struct Input {
    Model                              model;
    std::filesystem::path              path;       ///< the file itself, where a run folder was named
    std::map<std::string, std::string> metadata;   ///< of a checkpoint
    std::vector<std::string>           classes;    ///< by name; empty: numbers
    size_t                             bytes = 0;  ///< of the file
};

/// What build_model makes a model from, for what a user names it by: the text of a .json file that describes it, in its
/// short form, or else the name itself.
///   throws    Error if the file cannot be read, DataError if it describes no network
std::string model_source(const std::string& named);

/// Whether a file that begins so is a .hemp file.
bool is_hemp(std::string_view start);

/// The file that is meant by a run folder's name: its best state, or else its .hemp file, or else its last; any other
/// path is a file's already. Throws Error if the folder holds none of them.
std::filesystem::path input_file(const std::filesystem::path& named);

/// Reads a run folder (its best state, or else its .hemp file, or else its last), a checkpoint, a safetensors file, or
/// a .hemp file, told apart by content.
///   model_name  or description, of a plain safetensors file, which does not say; elsewhere it must agree or be empty
///   throws      UsageError if the model is not known or given twice differently; Error if the file cannot be read;
///               DataError if it is damaged or does not hold the model's tensors
Input read_input(const std::filesystem::path& path, const std::string& model_name, size_t max_memory);

/// The network that a user names: a fresh one of a known name or a description, or else a trained one from a file or
/// folder as read_input takes.
///   throws    as read_input, model_source and build_model
Model named_model(const std::string& named, size_t max_memory);

/// Names of classes as files keep them: none where they are the numbers that they would be anyway.
std::vector<std::string> kept_classes(const std::vector<std::string>& classes);

/// Under which a checkpoint's or safetensors file's metadata holds them, as a JSON array.
inline constexpr const char* classes_key = "classes";

/// Under which metadata holds how a network's pixels are scaled, as the text of a JSON object of `mean` and `std`.
inline constexpr const char* normalisation_key = "normalisation";
std::string                  normalisation_text(std::span<const float> mean, std::span<const float> deviation);

/// Moves the values of those names into the model's parameters.
///   throws    DataError that begins with `where` if one is missing or has another shape
void set_parameters(const Model& model, Safetensors values, const std::string& where);

}  // namespace hemp
