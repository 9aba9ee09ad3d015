#pragma once
// The IDX format of the MNIST files: magic 00 00 TYPE RANK, RANK big-endian 32-bit lengths, then the values.

#include "datasets/dataset.h"

#include <span>
#include <string>

namespace hemp {

/// The array of unsigned bytes in an IDX file's bytes; `where` names the file in errors.
///   throws    DataError unless magic number, element type, lengths and size of the file agree
Array parse_idx(std::span<const std::byte> bytes, const std::string& where);

/// Does the folder hold MNIST's training images?
bool is_mnist(const std::filesystem::path& folder);

/// Loads {train,t10k}-images-idx3-ubyte and {train,t10k}-labels-idx1-ubyte, each as it is or with .gz.
///   throws    as load_dataset; DataError unless there is a label below 10 for each image
Dataset load_mnist(const std::filesystem::path& folder, Part part, const LoadOptions& options);

}  // namespace hemp
