#pragma once
// Files to test with, made from random numbers by rule, so that nothing in the tests is a binary of unknown origin.

#include "hemp/file.h"

#include <string>
#include <vector>

namespace hemp {

/// Two registered models: "lenet5", which has a number in the format, and "pair", which is written by name; and every
/// description.
std::shared_ptr<const ModelSpec> sample_model(std::string_view name);

/// `symbols` drawn so that about `density` of them are not zero, within +-`most`; `dead` of the rows and of the columns
/// have none at all.
std::vector<int32_t> sparse_symbols(const Shape& shape, double density, int most, double dead, uint64_t seed);

/// Rounded Laplacian numbers.
std::vector<int32_t> laplacian_symbols(int64_t count, double scale, uint64_t seed);

/// Indices below `levels`, all as likely.
std::vector<int32_t> uniform_symbols(int64_t count, uint32_t levels, uint64_t seed);

/// A file with every kind of quantizer, normalisation, classes, awkward names and shapes; no model.
HempFile every_kind();

/// A pruned LeNet-5 of the registered shapes and names: 7 levels, 1 % of the weights, most units dead.
HempFile pruned_lenet5();

/// The model "pair" with fewer channels than registered.
HempFile narrowed_pair();

/// Tensors whose integers are so large that their low bits are coded apart (docs/format.md, 5.5, coarse), and one
/// after.
HempFile large_integers();

/// A small residual network that the file describes, as the parser writes the text.
HempFile described_network();

/// The golden files: name in tests/golden/ and what they must decode to.
std::vector<std::pair<std::string, HempFile>> golden_files();

/// Any legal file, small.
HempFile random_file(uint64_t seed);

}  // namespace hemp
