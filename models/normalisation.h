#pragma once
// How the pixels of the images that networks are usually trained on are scaled.

#include "models/model.h"

namespace hemp::models {

/// A network of colour images whose pixels are scaled as those of CIFAR-10, or of ImageNet.
inline Model of_colour_images(const char* name, const Shape& image, int64_t classes, bool cifar,
                              std::vector<Layer> layers) {
    using Values = std::vector<float>;
    return {.name      = name,
            .image     = image,
            .classes   = classes,
            .mean      = cifar ? Values{0.4914f, 0.4822f, 0.4465f} : Values{0.485f, 0.456f, 0.406f},
            .deviation = cifar ? Values{0.2470f, 0.2435f, 0.2616f} : Values{0.229f, 0.224f, 0.225f},
            .network   = sequential(std::move(layers))};
}

}  // namespace hemp::models
