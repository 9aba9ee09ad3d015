#pragma once

#include "core/run/program.h"
#include "hemp/standing.h"
#include "models/model.h"

#include <cstddef>
#include <vector>

namespace hemp {

/// Units whose order only these parameters know of (indices into the model's).
struct HiddenUnits {
    size_t producer;  ///< a matrix with a row for each unit
    std::vector<size_t>
        companions;              ///< what else has a row or an element for each: biases, batch norm, depthwise filters
    std::vector<size_t> shifts;  ///< those of them that are added: biases, means and shifts of batch norm
    size_t              consumer;  ///< a matrix with as many blocks of columns
    int64_t             count  = 0;
    bool                silent = false;  ///< a unit whose row and shifts are zero gives zeros

    bool operator==(const HiddenUnits&) const = default;
};

/// The hidden units of a network: found by exchanging those of a copy with random weights, which must not change its
/// logits by more than rounding, where a change of theirs is seen in them. Units of a residual stream, which several
/// layers add to, are none.
///   throws    Error when the program that finds them would take more than max_memory bytes
std::vector<HiddenUnits> hidden_units(const Model& model, size_t max_memory = CompileOptions{}.max_memory);

/// How each of a network's so many tensors stands where `orders` are those of its units.
std::vector<Standing> standing_of(const std::vector<HiddenUnits>& units, const std::vector<std::vector<size_t>>& orders,
                                  size_t tensors);

}  // namespace hemp
