#include "core/ops/pixels.h"

#include <algorithm>

namespace hemp {

void Pixels::copy(int64_t pixels, int64_t pixel_floats, float* to) const {
    if (normalisation) {
        normalise(normalisation, memory, pixels, to);
    } else if (gradient) {
        differentiate(gradient, memory, pixels, to);
    } else {
        std::copy_n(memory, pixels * pixel_floats, to);
    }
}

Normalisation normalisation_of(const Reading& reading, const Buffers& memory) {
    if (!reading.normalised) {
        return {};
    }
    size_t centre = reading.normalised->centre;
    return {.centre = memory.input<float>(centre),
            .gain   = memory.input<float>(centre + 1),
            .offset = memory.input<float>(centre + 2),
            .low    = reading.normalised->clamp.low,
            .high   = reading.normalised->clamp.high};
}

Pixels PixelReader::normalised(const Buffers& memory, size_t input) const {
    return {.memory        = memory.input<float>(input),
            .normalisation = normalisation_of(reading_, memory),
            .normalise     = normalise_};
}

Pixels PixelReader::gradient(const Buffers& memory, size_t input) const {
    Pixels pixels{.memory = memory.input<float>(input), .differentiate = differentiate_};
    if (reading_.gradient) {
        size_t x        = reading_.gradient->x;
        pixels.gradient = {.x          = memory.input<float>(x),
                           .batch_norm = {.centre = memory.input<float>(x + 1),
                                          .gain   = memory.input<float>(x + 2),
                                          .offset = memory.input<float>(x + 3)},
                           .slope      = memory.input<float>(x + 4),
                           .shift      = memory.input<float>(x + 5)};
    }
    return pixels;
}

}  // namespace hemp
