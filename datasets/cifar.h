#pragma once
// CIFAR's binary batches: records of one label byte (CIFAR-100: coarse, then fine) and 3 x 32 x 32 bytes. There is no
// header, so that size and labels are all that can be checked.

#include "datasets/dataset.h"

namespace hemp {

bool is_cifar10(const std::filesystem::path& folder);
bool is_cifar100(const std::filesystem::path& folder);

/// Loads data_batch_*.bin, or test_batch.bin; class names from batches.meta.txt where it is there.
///   throws    as load_dataset
Dataset load_cifar10(const std::filesystem::path& folder, Part part, const LoadOptions& options);

/// Loads train.bin or test.bin, with the fine labels; class names from fine_label_names.txt where it is there.
///   throws    as load_dataset
Dataset load_cifar100(const std::filesystem::path& folder, Part part, const LoadOptions& options);

}  // namespace hemp
