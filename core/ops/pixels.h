#pragma once
// An image as a convolution reads it: as it is in memory, or computed on the way from what is there.

#include "core/kernels/normalise.h"
#include "core/kernels/normalise_gradient.h"
#include "core/operator.h"

namespace hemp {

struct Pixels {
    const float*      memory;
    Normalisation     normalisation = {};
    NormaliseGradient gradient      = {};

    /// Whether they are not in memory: only a copy of them can be read.
    bool computed() const { return normalisation || gradient; }

    /// Those `floats` further on in memory, whose channels begin `block` blocks further on.
    Pixels from(int64_t floats, int64_t block) const {
        return {memory + floats, normalisation.from_block(block), gradient.from(floats, block)};
    }

    /// Writes the first `pixels`, of one plane or of one block of channels.
    void copy(int64_t pixels, int64_t pixel_floats, float* to) const;
};

/// What a step does with an operand as it reads it: nothing unless told.
Normalisation normalisation_of(const Reading& reading, const Buffers& memory);

/// A step's input, which it reads through a normalise, or as a gradient through a normalise_gradient, if told.
Pixels normalised_pixels(const Buffers& memory, size_t input, const Reading& reading);
Pixels gradient_pixels(const Buffers& memory, size_t input, const Reading& reading);

/// Input 0 of a step that reads no other in such a way.
Pixels pixels_of(const Buffers& memory, const Reading& reading);

}  // namespace hemp
