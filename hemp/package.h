#pragma once

#include "hemp/file.h"
#include "hemp/regularizer.h"
#include "models/model.h"

namespace hemp {

/// What the file of a registered or described model need not say: names and shapes of its parameters, normalisation,
/// classes. Null where the name is unknown; throws DataError where the description is no good.
std::shared_ptr<const ModelSpec> model_spec(std::string_view name);

struct PackageOptions {
    int side_levels = 31;   ///< of tensors that have no levels of their own (biases, small weights): odd, 3 or more
    int norm_levels = 255;  ///< of batch norm's scales and shifts, whose small values matter as well: odd
};

/// The values of the model's parameters as a file holds them: what batch norm's statistics do is in its scale and
/// shift, so that they are 0 and 1. Inference gives the same but for rounding. Throws DataError on values that are no
/// network's (check_values).
std::vector<Array> file_values(const Model& model);

/// The parameter with each of `values` at its nearest level.
QuantizedTensor with_levels(const Parameter& parameter, const Array& values, const std::vector<float>& levels);

/// The model as a file holds it. Weights that the regularizer knows get its levels; every other tensor is rounded to
/// multiples of a step of its own, max|x| / (side_levels / 2), or with norm_levels.
HempFile package(const Model& model, const Regularizer* regularizer, const PackageOptions& options = {});

/// The next float of 8 significant bits: it takes a byte or two less in a file, and changes nothing that matters.
float short_step(float step);

/// Of all weights together, biases and batch norm aside.
float root_mean_square_of_weights(const Model& model);

/// The model with every weight tensor rounded to multiples of one step, the other tensors finely: what `hemp compress`
/// does without data. Kernels, and first weights that meet whole images, are rounded with error diffusion.
HempFile package_uniform(const Model& model, float step, const PackageOptions& options = {});

/// The file with its tensors in the order of the model's parameters; those of a file may stand in any.
///   throws    DataError that begins with `where` if names or shapes are not the model's
HempFile in_order_of(const Model& model, HempFile file, const std::string& where);

/// Gives the model's parameters the file's values, and the model its normalisation.
///   throws    as in_order_of; DataError if a value is not finite or a variance below 0, or if the normalisation is of
///             another number of channels
void load(Model& model, HempFile file, const std::string& where);

}  // namespace hemp
