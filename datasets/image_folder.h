#pragma once
// Images in folders that name their classes: train/CLASS/*.jpg, test/CLASS/*.jpg (.jpeg and .png too).

#include "datasets/dataset.h"

namespace hemp {

bool is_image_folder(const std::filesystem::path& folder);

/// Loads the images of one part, ordered by class and name; classes are the folders of train/, sorted. Hidden files are
/// ignored, those with other endings noted.
///   options   without `image`, images must have one size, and are grey if all of them are, else of three channels.
///   With
///             it, they have its channels; where one is larger than 8/7 of it, or where sizes differ, all become
///             8/7 of it (256 for 224): the shorter side is brought to that, the longer one cut in the middle.
///             With `cache`, decoded images are kept there and used as long as names, sizes and times of all files are
///             the same.
///   throws    as load_dataset; DataError if a class has no image, or if two images differ in size
Dataset load_image_folder(const std::filesystem::path& folder, Part part, const LoadOptions& options);

}  // namespace hemp
