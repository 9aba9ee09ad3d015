#pragma once

#include "models/model.h"

namespace hemp::models {

/// MobileNetV2 (Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: inverted residuals and linear bottlenecks", 2018,
/// table 2).
struct MobileNetV2 {
    const char* name;
    double      width   = 1;  ///< multiplies the channels of each layer, rounded to multiples of 8
    bool        cifar   = false;
    Shape       image   = {3, 224, 224};
    int64_t     classes = 1000;
};

/// Parameters are named as in torchvision's state_dict. The variant for CIFAR, as the compression literature has it:
/// stride 1 in the stem and in the second stage, ReLU for ReLU6, an expanding convolution in the first block too, a
/// projected shortcut (a convolution 1x1 with batch normalisation, "shortcut.0" and "shortcut.1") in a block of stride
/// 1 that changes the number of channels, no dropout.
Model mobilenetv2(const MobileNetV2& net, uint64_t seed);

Model mobilenetv2(uint64_t seed, int64_t classes = 1000);      ///< torchvision's: 3,504,872 parameters
Model mobilenetv2_cifar(uint64_t seed, int64_t classes = 10);  ///< 2,296,922 parameters

}  // namespace hemp::models
