#pragma once
// The transforms of Winograd's convolution F(2x2, 5x5) on planes [C, H, W], for images with few channels (LeNet's): 36
// multiplications where the definition needs 100. Vectors are neighbouring tiles of 2 x 2 results; each tile depends on
// 6 x 6 values, and both become 36 numbers, one for each pair of points (core/kernels/winograd_points.h).
//
// Rows of points hold the tiles of an image one after another. A row is written to the end of its last vector: up to 15
// numbers further, which mean nothing.

#include <cstdint>

namespace hemp {

/// How the results of a convolution are cut into tiles. The image has a plane of height x width, with zeros around it;
/// its result one of 2 rows x 2 columns, both at least 8.
struct PlaneTiles {
    int64_t height, width;
    int64_t pad_height, pad_width;

    int64_t rows() const { return (height + 2 * pad_height - 4) / 2; }
    int64_t columns() const { return (width + 2 * pad_width - 4) / 2; }
    int64_t count() const { return rows() * columns(); }
    int64_t rows_met() const { return 2 * rows() + 4; }  ///< of the plane with its zeros

    /// Of a plane taken apart, so that the values which a point of the tiles meets lie one after another: for each of
    /// six columns of a tile a copy, even rows first.
    int64_t copy_floats() const { return 2 * (rows() + 2) * columns(); }
    int64_t scratch_floats() const;  ///< for any of the transforms
};

/// Rows of points: that of a plane and a point begins `plane` and `point` floats after that of the one before.
struct PointRows {
    float*  data;
    int64_t plane, point;

    PointRows from_plane(int64_t first) const { return {data + first * plane, plane, point}; }
};

/// The transforms of the planes of an image, for one instruction set.
struct WinogradPlanes {
    /// v = B' x B
    void (*inputs)(const PlaneTiles&, int64_t planes, const float* x, const PointRows& v, float* scratch);
    /// dx = the sum over the tiles of B v B', zero where none meets it: the adjoint.
    void (*input_gradients)(const PlaneTiles&, int64_t planes, const PointRows& v, float* dx, float* scratch);
    /// y = A' m A
    void (*results)(const PlaneTiles&, int64_t planes, const PointRows& m, float* y, float* scratch);
    /// m = A dy A': the adjoint.
    void (*result_gradients)(const PlaneTiles&, int64_t planes, const float* dy, const PointRows& m, float* scratch);
};

/// The kernels for the instruction set in use.
const WinogradPlanes& winograd_planes();

/// u = G g G' of `count` filters [5, 5], one float a point each `stride` floats.
void filters_to_points(int64_t count, const float* g, float* u, int64_t stride);
/// g = G' u G: the adjoint but for rounding.
void filters_from_points(int64_t count, const float* u, int64_t stride, float* g);

}  // namespace hemp
