#pragma once
// conv2d and its gradients on planes by Winograd's algorithm F(2x2, 5x5) (core/kernels/winograd_planes.h). All three
// are products of matrices at 36 points, for as many images at a time as stay in the cache:
//   forward           m = u v         [K, tiles] = [K, C] [C, tiles]
//   gradient to data  v = u' m        the transforms are the adjoints of forward's
//   gradient to W     u = sum m v'    over the tiles; parts of the batch, added up in order

#include "core/kernels/shifted_rows.h"
#include "core/operator.h"

namespace hemp {

/// A convolution that is not grouped.
struct PlanesConv {
    Window  window;
    int64_t images, filters;

    /// Why it is not faster; empty if it is: 5 x 5 kernels with stride 1, an even number of rows and columns of
    /// results, and enough channels and filters for the transforms to be few beside the products.
    std::string no_winograd() const;
};

/// Operands and result of each are those of the node: (x, weight), (dy, weight), (dy, x).
Work winograd_forward(const PlanesConv& conv);
Work winograd_data_gradient(const PlanesConv& conv);
Work winograd_weight_gradient(const PlanesConv& conv);

}  // namespace hemp
