#pragma once
// What batch norm's gain and offset get through a rectifier, 16 channels at a time: kept in double, tile by tile.

#include "core/kernels/normalise.h"

#include <cstdint>

namespace hemp {

/// Of each of 16 lanes: the sum of dy, and of dy (x - centre), where the rectifier lets dy through.
struct RectifiedSums {
    double dy[16]       = {};
    double products[16] = {};
};

/// Adds `pixels` of 16 neighbours each. Of `normalisation` its 16 centres, gains and offsets are used.
using AddRectified = void(const float* dy, const float* x, int64_t pixels, const Normalisation& normalisation,
                          RectifiedSums& sums);

/// The kernel for the instruction set in use, for relu6 or for relu. AVX2 and AVX-512 give the same bits.
AddRectified* add_rectified(bool six);

}  // namespace hemp
