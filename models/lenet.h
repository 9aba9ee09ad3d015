#pragma once

#include "models/model.h"

namespace hemp::models {

/// LeNet-300-100: 784 - 300 - 100 - 10, ReLU between (LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied
/// to document recognition", 1998, section III.C.4, with ReLU as in all later work on compression). 266,610 parameters.
Model lenet300(uint64_t seed, int64_t classes = 10);

/// LeNet-5 as Caffe and all later work on compression has it: 20 filters 5x5, max-pool, 50 filters 5x5, max-pool, 500
/// units with ReLU, 10. No ReLU after the convolutions. 431,080 parameters.
Model lenet5(uint64_t seed, int64_t classes = 10);

}  // namespace hemp::models
