#pragma once
// Networks described by a text: docs/models.md is its definition.

#include "models/model.h"

#include <string_view>

namespace hemp {

/// Longer texts are refused.
constexpr size_t most_description = 65'536;

/// Whether a model's source is a description, not a name.
inline bool is_description(std::string_view source) { return source.starts_with('{'); }

/// The network that the JSON text describes. Its source is the same text without blanks, keys in order.
///   where     what errors begin with, such as the name of the file
///   throws    DataError that names the place in the text: no JSON, an unknown or missing key, a value out of range,
///             layers that do not fit together, a network above the limits; nothing large is allocated before
Model build_described(std::string_view text, uint64_t seed, std::string_view where);

}  // namespace hemp
