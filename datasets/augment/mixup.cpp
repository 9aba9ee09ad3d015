#include "datasets/augment/mixup.h"

#include <cmath>

namespace hemp {

int mixup_share(double alpha, const Place& place) {
    // Jöhnk, "Erzeugung von betaverteilten und gammaverteilten Zufallszahlen", 1964. For alpha <= 1 at least every
    // second try is taken.
    constexpr int tries = 64;
    Draw          draw(place, 0x6D697875, 2 * tries);  // "mixu"
    for (int i = 0; i < tries; ++i) {
        double x = std::pow(draw.between(0, 1), 1 / alpha);
        double y = std::pow(draw.between(0, 1), 1 / alpha);
        if (x + y > 0 && x + y <= 1) {
            return static_cast<int>(std::lround(256 * x / (x + y)));
        }
    }
    return 256;
}

void mix_rows(std::span<uint8_t> pixels, int64_t rows, int kept) {
    size_t size = pixels.size() / static_cast<size_t>(rows);
    auto   mix  = [kept](int own, int other) {
        return static_cast<uint8_t>((own * kept + other * (256 - kept) + 128) >> 8);
    };
    for (size_t row = 0; row < static_cast<size_t>(rows) / 2; ++row) {
        uint8_t* first  = pixels.data() + row * size;
        uint8_t* second = pixels.data() + (static_cast<size_t>(rows) - 1 - row) * size;
        for (size_t i = 0; i < size; ++i) {
            uint8_t a = first[i];
            uint8_t b = second[i];
            first[i]  = mix(a, b);
            second[i] = mix(b, a);
        }
    }
}

}  // namespace hemp
