#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hemp {

/// The images or kernels that a tensor's values are, one after another, each row by row.
struct Grid {
    int64_t height = 1, width = 1;

    int64_t area() const { return height * width; }
};

/// Integers n whose multiples n * step stand for the values. What rounding takes from a place of an image is given to
/// those around it that come later, so that the errors of neighbours cancel: where the network multiplies them with
/// pixels that hardly differ, their sum vanishes. Nothing leaves an image; on a grid of 1 x 1 it is plain rounding.
///   values    whole images of the grid's size, of magnitude below 2^30 steps
///   step      above 0
///   source    Floyd and Steinberg, "An adaptive algorithm for spatial greyscale", 1976
std::vector<int32_t> diffused(std::span<const float> values, float step, const Grid& grid);

}  // namespace hemp
