#include "datasets/augment/erase.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hemp {
namespace {

/// The rectangle may lie partly outside.
void hide(Image image, int64_t top, int64_t left, int64_t height, int64_t width, std::span<const uint8_t> colour) {
    int64_t bottom = std::min(top + height, image.height);
    int64_t right  = std::min(left + width, image.width);
    top            = std::max<int64_t>(top, 0);
    left           = std::max<int64_t>(left, 0);
    for (int64_t channel = 0; channel < image.channels; ++channel) {
        for (int64_t y = top; y < bottom; ++y) {
            std::memset(image.row(channel, y) + left, colour[static_cast<size_t>(channel)],
                        static_cast<size_t>(right - left));
        }
    }
}

}  // namespace

void cutout(Image image, int64_t side, std::span<const uint8_t> colour, const Place& place) {
    Draw    draw(place, 0x63757474, 2);  // "cutt"
    int64_t y = draw.below(image.height);
    int64_t x = draw.below(image.width);
    hide(image, y - side / 2, x - side / 2, side, side, colour);
}

void random_erasing(Image image, double probability, std::span<const uint8_t> colour, const Place& place) {
    constexpr int tries = 10;
    Draw          draw(place, 0x65726173, 2 * tries + 3);  // "eras"
    if (draw.between(0, 1) >= probability) {
        return;
    }
    const double log_range = std::log(3.3);
    double       area      = static_cast<double>(image.height * image.width);
    for (int i = 0; i < tries; ++i) {
        double part   = area * draw.between(0.02, 1.0 / 3.0);
        double ratio  = std::exp(draw.between(-log_range, log_range));
        auto   height = std::llround(std::sqrt(part * ratio));
        auto   width  = std::llround(std::sqrt(part / ratio));
        if (height >= 1 && height < image.height && width >= 1 && width < image.width) {
            int64_t top  = draw.below(image.height - height + 1);
            int64_t left = draw.below(image.width - width + 1);
            hide(image, top, left, height, width, colour);
            return;
        }
    }
}

}  // namespace hemp
