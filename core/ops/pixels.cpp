#include "core/ops/pixels.h"

#include <algorithm>

namespace hemp {

void Pixels::copy(int64_t pixels, int64_t pixel_floats, float* to) const {
    if (normalisation) {
        normalise_pixels()(normalisation, memory, pixels, to);
    } else if (gradient) {
        normalise_gradient_pixels(gradient.six)(gradient, memory, pixels, to);
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

Pixels normalised_pixels(const Buffers& memory, size_t input, const Reading& reading) {
    return {memory.input<float>(input), normalisation_of(reading, memory)};
}

Pixels gradient_pixels(const Buffers& memory, size_t input, const Reading& reading) {
    Pixels pixels{memory.input<float>(input)};
    if (reading.gradient) {
        size_t x        = reading.gradient->x;
        pixels.gradient = {.x      = memory.input<float>(x),
                           .centre = memory.input<float>(x + 1),
                           .gain   = memory.input<float>(x + 2),
                           .offset = memory.input<float>(x + 3),
                           .slope  = memory.input<float>(x + 4),
                           .shift  = memory.input<float>(x + 5),
                           .six    = reading.gradient->six};
    }
    return pixels;
}

Pixels pixels_of(const Buffers& memory, const Reading& reading) {
    return reading.gradient ? gradient_pixels(memory, 0, reading) : normalised_pixels(memory, 0, reading);
}

}  // namespace hemp
