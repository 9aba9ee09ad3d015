#pragma once

#include "core/ops/conv2d.h"
#include "layers/initialize.h"
#include "layers/layer.h"

namespace hemp {

struct ConvLayerOptions {
    ConvOptions conv        = {};  ///< stride, padding, dilation, groups
    bool        bias        = true;
    uint64_t    seed        = 0;
    Initializer initializer = nullptr;  ///< of the weight, the bias is then zero; none: kaiming_uniform for both
};

/// Convolution with square kernels: [N, channels, H, W] to [N, filters, H', W'].
/// Parameters NAME.weight [filters, channels / groups, kernel, kernel], NAME.bias [filters].
Layer conv(const std::string& name, int64_t channels, int64_t filters, int64_t kernel,
           const ConvLayerOptions& options = {});

}  // namespace hemp
