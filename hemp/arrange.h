#pragma once
// Networks that compute the same need not take the same bytes: hidden units can stand in any order, and one that
// nothing reads may be anything.

#include "hemp/file.h"
#include "models/model.h"

namespace hemp {

/// Units whose order only these parameters know of (indices into the model's).
struct HiddenUnits {
    size_t producer;  ///< a matrix with a row for each unit
    std::vector<size_t>
            companions;  ///< what else has a row or an element for each: biases, batch norm, depthwise filters
    size_t  consumer;    ///< a matrix with as many blocks of columns
    int64_t count = 0;

    bool operator==(const HiddenUnits&) const = default;
};

/// The hidden units of a network: found by exchanging those of a copy with random weights, which must not change its
/// logits by more than rounding. Units of a residual stream, which several layers add to, are none.
std::vector<HiddenUnits> hidden_units(const Model& model);

/// The same network with the units that nothing reads emptied, and the others in falling order of how many weights each
/// has: dead ones then stand together, and the coder foresees them. Values of units keep to the bit.
HempFile arranged(const HempFile& file, const std::vector<HiddenUnits>& units);

}  // namespace hemp
