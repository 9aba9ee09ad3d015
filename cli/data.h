#pragma once
// How every command reads images.

#include "cli/command.h"
#include "datasets/dataset.h"
#include "models/model.h"

namespace hemp {

struct DataOptions {
    std::string format          = {};  ///< empty: it is recognised
    bool        skip_bad_images = false;
};

void add_data_options(Command& command, DataOptions& options);

/// One part of a data set, in a size that the model's batches can be made of; says what was left out and why.
///   throws    as load_dataset
Dataset load_for(const Model& model, const std::string& source, Part part, const DataOptions& options,
                 const Settings& settings);

}  // namespace hemp
