#pragma once
// Images in folders that name their classes: train/CLASS/*.jpg, test/CLASS/*.jpg (.jpeg and .png too).

#include "datasets/dataset.h"

namespace hemp {

bool is_image_folder(const std::filesystem::path& folder);

/// Loads the images of one part, ordered by class and name; classes are the folders of train/, sorted. Images are grey
/// if all of them are, else all have three channels. Hidden files and those with other endings are ignored.
///   throws    as load_dataset; DataError if a class has no image, or if two images differ in size
Dataset load_image_folder(const std::filesystem::path& folder, Part part, const LoadOptions& options);

}  // namespace hemp
