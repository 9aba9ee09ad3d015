#pragma once

#include "core/ops/pool.h"
#include "layers/layer.h"

namespace hemp {

/// Behind a convolution with biases these are added after pooling, to fewer values: the same bits.
Layer max_pooling(const PoolOptions& options = {});
Layer average_pooling(const PoolOptions& options = {});

/// [N, C, H, W] to [N, C].
Layer global_average_pooling();

}  // namespace hemp
