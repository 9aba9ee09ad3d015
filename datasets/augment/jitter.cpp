#include "datasets/augment/jitter.h"

#include <algorithm>
#include <array>

namespace hemp {
namespace {

constexpr std::array<float, 3> grey_of_colour{0.299f, 0.587f, 0.114f};
constexpr std::array<float, 1> grey_of_grey{1};

uint8_t rounded(float value) { return static_cast<uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f)); }

}  // namespace

void colour_jitter(Image image, double strength, const Place& place) {
    Draw draw(place, 0x6A697474, 3);  // "jitt"
    auto factor     = [&] { return static_cast<float>(draw.between(1 - strength, 1 + strength)); };
    auto brightness = factor();
    auto contrast   = factor();
    auto saturation = factor();

    bool                   colour  = image.channels == 3;
    std::span<const float> weights = colour ? std::span<const float>(grey_of_colour) : grey_of_grey;
    int64_t                plane   = image.height * image.width;
    // In integers, which add up exactly in any order.
    float mean = 0;
    for (size_t channel = 0; channel < weights.size(); ++channel) {
        int64_t        sum    = 0;
        const uint8_t* pixels = image.row(static_cast<int64_t>(channel), 0);
        for (int64_t i = 0; i < plane; ++i) {
            sum += pixels[i];
        }
        mean += weights[channel] * static_cast<float>(sum) / static_cast<float>(plane);
    }
    // The first two steps are one line: x -> slope x + offset.
    float slope  = brightness * contrast;
    float offset = brightness * mean * (1 - contrast);
    if (!colour) {
        for (int64_t i = 0; i < image.size(); ++i) {
            image.pixels[i] = rounded(slope * static_cast<float>(image.pixels[i]) + offset);
        }
        return;
    }
    uint8_t* red   = image.row(0, 0);
    uint8_t* green = image.row(1, 0);
    uint8_t* blue  = image.row(2, 0);
    for (int64_t i = 0; i < plane; ++i) {
        float r    = slope * static_cast<float>(red[i]) + offset;
        float g    = slope * static_cast<float>(green[i]) + offset;
        float b    = slope * static_cast<float>(blue[i]) + offset;
        float grey = (grey_of_colour[0] * r + grey_of_colour[1] * g + grey_of_colour[2] * b) * (1 - saturation);
        red[i]     = rounded(saturation * r + grey);
        green[i]   = rounded(saturation * g + grey);
        blue[i]    = rounded(saturation * b + grey);
    }
}

}  // namespace hemp
