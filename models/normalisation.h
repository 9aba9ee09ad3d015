#pragma once
// Means and deviations of the pixels that networks are usually trained on, of each channel, in [0, 1].

#include <vector>

namespace hemp::models {

inline const std::vector<float> cifar10_mean      = {0.4914f, 0.4822f, 0.4465f};
inline const std::vector<float> cifar10_deviation = {0.2470f, 0.2435f, 0.2616f};

inline const std::vector<float> imagenet_mean      = {0.485f, 0.456f, 0.406f};
inline const std::vector<float> imagenet_deviation = {0.229f, 0.224f, 0.225f};

}  // namespace hemp::models
