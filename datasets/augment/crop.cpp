#include "datasets/augment/crop.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace hemp {

void random_crop(ConstImage from, Image to, int64_t padding, const Place& place) {
    Draw    draw(place, 0x73686966, 2);  // "shif"
    int64_t dx    = draw.below(2 * padding + 1) - padding;
    int64_t dy    = draw.below(2 * padding + 1) - padding;
    int64_t first = std::max<int64_t>(dx, 0);
    auto    kept  = static_cast<size_t>(from.width - std::abs(dx));
    std::memset(to.pixels, 0, static_cast<size_t>(to.size()));
    for (int64_t channel = 0; channel < from.channels; ++channel) {
        for (int64_t y = std::max<int64_t>(dy, 0); y < from.height + std::min<int64_t>(dy, 0); ++y) {
            std::memcpy(to.row(channel, y) + first, from.row(channel, y - dy) + first - dx, kept);
        }
    }
}

}  // namespace hemp
