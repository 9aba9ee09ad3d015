#pragma once

#include "core/ops/pool.h"
#include "layers/layer.h"

namespace hemp {

Layer max_pooling(const PoolOptions& options = {});
Layer average_pooling(const PoolOptions& options = {});

}  // namespace hemp
