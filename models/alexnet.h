#pragma once

#include "models/model.h"

namespace hemp::models {

/// AlexNet in one column (Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014).
struct AlexNet {
    const char* name;
    int64_t     width   = 64;    ///< channels of the first convolution
    int64_t     hidden  = 4096;  ///< units of each of the two hidden linear layers; 0: there are none
    Shape       image   = {3, 224, 224};
    int64_t     classes = 1000;
};

/// Parameters are named as in torchvision's state_dict. Without hidden layers it is the usual variant for CIFAR:
/// padding 5 before the first convolution, pools 2x2, one linear layer, "classifier".
Model alexnet(const AlexNet& net, uint64_t seed);

Model alexnet(uint64_t seed, int64_t classes = 1000);      ///< torchvision's: 61,100,840 parameters
Model alexnet_cifar(uint64_t seed, int64_t classes = 10);  ///< 2,472,266 parameters

}  // namespace hemp::models
