#pragma once
// Networks that compute the same need not take the same bytes: hidden units can stand in any order, one that nothing
// reads may be anything, and so may the weights that read one which is always zero.

#include "hemp/file.h"
#include "hemp/hidden_units.h"
#include "hemp/standing.h"

namespace hemp {

/// The same network with the units that nothing reads or that give nothing emptied, and the others so that neighbours
/// read the same and are read by the same: the coder looks at the rows and columns beside. Values of units keep to the
/// bit.
HempFile arranged(const HempFile& file, const std::vector<HiddenUnits>& units);

/// How each tensor stands in an arranged file.
std::vector<Standing> standing_of(const HempFile& file, const std::vector<HiddenUnits>& units);

}  // namespace hemp
