#pragma once
// Networks that compute the same need not take the same bytes: hidden units can stand in any order, one that nothing
// reads may be anything, and so may the weights that read one which is always zero.

#include "hemp/file.h"
#include "hemp/hidden_units.h"

namespace hemp {

/// The same network with the units that nothing reads or that give nothing emptied, and the others so that neighbours
/// read the same and are read by the same: the coder looks at the rows and columns beside. Values of units keep to the
/// bit.
HempFile arranged(const HempFile& file, const std::vector<HiddenUnits>& units);

/// The order that the units of each have in an arranged file.
std::vector<std::vector<size_t>> unit_orders(const HempFile& file, const std::vector<HiddenUnits>& units);

/// Encodes the file as it is and arranged. Returns the fewer bytes, and leaves in `file` what they hold.
std::vector<std::byte> encode_smaller(HempFile& file, const std::vector<HiddenUnits>& units, const Registry& registry);

}  // namespace hemp
