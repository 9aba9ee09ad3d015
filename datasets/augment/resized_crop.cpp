#include "datasets/augment/resized_crop.h"

#include <cmath>

namespace hemp {

Box random_box(ConstImage image, int64_t height, int64_t width, double least, const Place& place) {
    constexpr int tries = 10;
    Draw          draw(place, 0x72637270, 2 * tries + 2);  // "rcrp"
    double        area        = static_cast<double>(image.height * image.width);
    double        proportions = static_cast<double>(width) / static_cast<double>(height);
    const double  log_range   = std::log(4.0 / 3.0);
    for (int i = 0; i < tries; ++i) {
        double part  = area * draw.between(least, 1);
        double ratio = proportions * std::exp(draw.between(-log_range, log_range));
        auto   wide  = std::llround(std::sqrt(part * ratio));
        auto   high  = std::llround(std::sqrt(part / ratio));
        if (wide >= 1 && wide <= image.width && high >= 1 && high <= image.height) {
            auto top  = static_cast<double>(draw.below(image.height - high + 1));
            auto left = static_cast<double>(draw.below(image.width - wide + 1));
            return {top, left, static_cast<double>(high), static_cast<double>(wide)};
        }
    }
    return centre_box(image, height, width);  // of an image that is far longer than wide
}

}  // namespace hemp
