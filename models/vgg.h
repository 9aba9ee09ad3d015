#pragma once

#include "models/model.h"

namespace hemp::models {

/// VGG-16 with batch normalisation (Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
/// recognition", 2014, column D).
struct Vgg {
    const char* name;
    int64_t     width     = 64;    ///< channels of the first two convolutions
    int64_t     hidden    = 4096;  ///< units of each of the two hidden linear layers; 0: there are none
    bool        conv_bias = true;  ///< torchvision keeps them, though the batch normalisation takes them out again
    Shape       image     = {3, 224, 224};  ///< height and width divide by 32
    int64_t     classes   = 1000;
};

/// Parameters are named as in torchvision's state_dict.
Model vgg(const Vgg& net, uint64_t seed);

/// torchvision's vgg16_bn: 138,365,992 parameters.
Model vgg16(uint64_t seed, int64_t classes = 1000);

/// For CIFAR: the same 13 convolutions, without biases, and one linear layer. 14,724,042 parameters.
Model vgg16_cifar(uint64_t seed, int64_t classes = 10);

}  // namespace hemp::models
