#pragma once

#include "layers/layer.h"

namespace hemp {

struct BatchNormOptions {
    float epsilon  = 1e-5f;
    float momentum = 0.1f;  ///< share of the new batch in the running statistics, per step
};

/// Batch normalisation of [N, channels] or [N, channels, H, W]: by the batch's own statistics in training, by the
/// running ones in use. A training pass adds the running statistics' new values to Pass::updates; as in PyTorch the
/// running variance takes that of a sample, divided by one less than its size.
/// Parameters NAME.weight (ones), NAME.bias (zeros), NAME.running_mean (zeros), NAME.running_var (ones), all
/// [channels].
Layer batch_norm(const std::string& name, int64_t channels, const BatchNormOptions& options = {});

}  // namespace hemp
