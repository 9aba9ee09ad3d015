#pragma once

#include "core/graph.h"

namespace hemp {

/// (x - mean)^2, broadcast, for a variance: `mean` must be the mean of x over the axes that the result is summed over.
///   gradient  to x. None to the mean: the variance does not change with it to first order, since the sum of x - mean
///   is
///             zero, and a backward pass need not walk over x to find that out.
Tensor squared_deviation(const Tensor& x, const Tensor& mean);

}  // namespace hemp
