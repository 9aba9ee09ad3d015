#include "datasets/augment/flip.h"

#include <algorithm>

namespace hemp {

void random_flip(Image image, const Place& place) {
    if (Draw(place, 0x666C6970, 1).below(2) == 0) {  // "flip"
        return;
    }
    for (int64_t row = 0; row < image.channels * image.height; ++row) {
        std::reverse(image.row(0, row), image.row(0, row + 1));
    }
}

}  // namespace hemp
