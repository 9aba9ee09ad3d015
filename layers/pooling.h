#pragma once

#include "core/ops/pool.h"
#include "layers/layer.h"

namespace hemp {

Layer max_pooling(const PoolOptions& options = {});
Layer average_pooling(const PoolOptions& options = {});

/// [N, C, H, W] to [N, C].
Layer global_average_pooling();

}  // namespace hemp
