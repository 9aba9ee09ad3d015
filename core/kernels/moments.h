#pragma once
// Mean and variance of 16 channels at a time, gathered tile by tile: a tile's own mean and squares are found while it
// is in the cache, and joined with what came before (Chan, Golub and LeVeque, "Updating formulae and a pairwise
// algorithm for computing sample variances", 1979). No digits are lost where the mean is large beside the spread, as
// they are in the mean of squares less the square of the mean.

#include <cstdint>

namespace hemp {

/// Of as many values in each of 16 lanes: their mean, and the sum of the squares of their differences to it.
struct alignas(64) Moments {
    float   mean[16]    = {};
    float   squares[16] = {};
    int64_t count       = 0;
};

/// Adds `pixels` values of each lane, 16 neighbours every `stride` floats.
using AddPixels = void(const float* x, int64_t pixels, int64_t stride, Moments& moments);

/// The kernel for the instruction set in use. AVX2 and AVX-512 give the same bits.
AddPixels* add_pixels();

}  // namespace hemp
