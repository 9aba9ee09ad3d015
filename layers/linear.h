#pragma once

#include "layers/initialize.h"
#include "layers/layer.h"

namespace hemp {

struct LinearOptions {
    bool        bias        = true;
    uint64_t    seed        = 0;
    Initializer initializer = nullptr;  ///< of the weight, the bias is then zero; none: kaiming_uniform for both
};

/// y = x weight' + bias: [N, inputs] to [N, outputs]. Parameters NAME.weight [outputs, inputs], NAME.bias [outputs].
Layer linear(const std::string& name, int64_t inputs, int64_t outputs, const LinearOptions& options = {});

}  // namespace hemp
