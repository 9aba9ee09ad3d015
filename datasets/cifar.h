#pragma once
// CIFAR's binary batches: records of one label byte (CIFAR-100: coarse, then fine) and 3 x 32 x 32 bytes. There is no
// header, so that size and labels are all that can be checked.

#include "datasets/dataset.h"

#include <span>

namespace hemp {

enum class Cifar : uint8_t { ten, hundred };

struct CifarBatch {
    Array images;  ///< u8 [N, 3, 32, 32]
    Array labels;  ///< i32 [N]
};

/// The images in a file's bytes; `where` names the file in errors.
///   throws    DataError unless the bytes are whole records, at least one, whose labels are below 10 or 100
CifarBatch parse_cifar(std::span<const std::byte> bytes, Cifar kind, const std::string& where);

bool is_cifar10(const std::filesystem::path& folder);
bool is_cifar100(const std::filesystem::path& folder);

/// Loads data_batch_*.bin, or test_batch.bin; class names from batches.meta.txt where it is there.
///   throws    as load_dataset
Dataset load_cifar10(const std::filesystem::path& folder, Part part, const LoadOptions& options);

/// Loads train.bin or test.bin, with the fine labels; class names from fine_label_names.txt where it is there.
///   throws    as load_dataset
Dataset load_cifar100(const std::filesystem::path& folder, Part part, const LoadOptions& options);

}  // namespace hemp
