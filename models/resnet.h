#pragma once

#include "models/model.h"

namespace hemp::models {

/// Residual networks (He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015).
struct ResNet {
    enum class Block : uint8_t {
        basic,      ///< two convolutions 3x3
        bottleneck  ///< 1x1, 3x3 (which has the stride, as in torchvision), 1x1 to four times the channels
    };
    enum class Stem : uint8_t {
        cifar,    ///< a convolution 3x3
        imagenet  ///< a convolution 7x7 of stride 2, max-pool 3x3 of stride 2
    };
    enum class Shortcut : uint8_t {
        subsampled,  ///< option A: no parameters
        projected    ///< option B: a convolution 1x1 where the shape changes
    };

    const char*          name;
    std::vector<int64_t> blocks;         ///< of each stage
    int64_t              width    = 64;  ///< channels of the first stage, doubled in each after it
    Block                block    = Block::basic;
    Stem                 stem     = Stem::imagenet;
    Shortcut             shortcut = Shortcut::projected;
    Shape                image    = {3, 224, 224};
    int64_t              classes  = 1000;
};

/// Parameters are named as in torchvision's state_dict.
Model resnet(const ResNet& net, uint64_t seed);

/// The paper's networks for CIFAR (section 4.2) with 6 n + 2 layers. 20: 269,722 parameters, 32: 464,154, 44: 658,586,
/// 56: 853,018, 110: 1,727,962.
Model resnet20(uint64_t seed, int64_t classes = 10);
Model resnet32(uint64_t seed, int64_t classes = 10);
Model resnet44(uint64_t seed, int64_t classes = 10);
Model resnet56(uint64_t seed, int64_t classes = 10);
Model resnet110(uint64_t seed, int64_t classes = 10);

/// For images of 224 x 224 (table 1). 18: 11,689,512 parameters, 34: 21,797,672, 50: 25,557,032.
Model resnet18(uint64_t seed, int64_t classes = 1000);
Model resnet34(uint64_t seed, int64_t classes = 1000);
Model resnet50(uint64_t seed, int64_t classes = 1000);

/// The same with CIFAR's stem and 10 classes. 18: 11,173,962 parameters, 34: 21,282,122, 50: 23,520,842.
Model resnet18_cifar(uint64_t seed, int64_t classes = 10);
Model resnet34_cifar(uint64_t seed, int64_t classes = 10);
Model resnet50_cifar(uint64_t seed, int64_t classes = 10);

}  // namespace hemp::models
