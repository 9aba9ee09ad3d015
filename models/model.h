#pragma once

#include "layers/layer.h"

namespace hemp {

/// A network with what a user of it must know: the images it takes and how their pixels are scaled.
struct Model {
    std::string        name;
    std::string        source = {};  ///< what build_model makes it from: its name, or its description
    Shape              image;        ///< [C, H, W]
    int64_t            classes = 0;
    std::vector<float> mean, deviation;  ///< of each channel of the pixels in [0, 1]: (x / 255 - mean) / deviation
    Layer              network;

    const Parameters& parameters() const { return network.parameters; }
    Tensors           trained() const;  ///< variables that the optimizer moves
    Tensors           weights() const;  ///< variables that the regularizer may work on

    /// Logits [N, classes] of images [N, C, H, W], u8 as they come from a data set.
    Tensor operator()(const Tensor& images, Pass& pass) const;
};

/// Another network like it, with first weights of its own.
Model alike(const Model& model, uint64_t seed);

/// Both are alike.
void copy_parameters(const Model& from, const Model& to);

/// Throws DataError that begins with `where` for values with which a network answers nothing but NaN: none that is not
/// finite, no variance below 0.
void check_values(const Parameter& parameter, const Array& values, const std::string& where);

/// The elements of all its parameters.
int64_t parameter_count(const Model& model);

/// The parameter of that name; throws Error that lists the names there are.
const Parameter& parameter(const Model& model, const std::string& name);

/// The names that build_model knows.
std::vector<std::string> model_names();

/// Whether build_model takes it for the name of a network, with a number of classes or without.
bool is_model_name(std::string_view source);

/// A fresh network whose first weights depend on (source, seed) alone.
///   source    a name, "resnet20", or with a number of classes, "resnet20:100"; or the text of a description
///             (models/description.h). With the number that it has anyway it is the same as without.
///   throws    UsageError that lists the known names; DataError as build_described
Model build_model(const std::string& source, uint64_t seed);

}  // namespace hemp
