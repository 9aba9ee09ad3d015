#pragma once
// An image as a convolution reads it: as it is in memory, or computed on the way from what is there.

#include "core/kernels/normalise.h"
#include "core/kernels/normalise_gradient.h"
#include "core/operator.h"

namespace hemp {

/// Pixels of one plane, or of blocks of channels.
struct Pixels {
    const float*             memory;
    Normalisation            normalisation = {};
    NormalisePixels*         normalise     = nullptr;  ///< its kernel
    NormaliseGradient        gradient      = {};
    NormaliseGradientPixels* differentiate = nullptr;  ///< its kernel

    /// Whether they are not in memory: only a copy of them can be read.
    bool computed() const { return normalisation || gradient; }

    /// Those `floats` further on in memory, whose channels begin `block` blocks further on.
    Pixels from(int64_t floats, int64_t block) const {
        return {memory + floats, normalisation.from_block(block), normalise, gradient.from(floats, block),
                differentiate};
    }

    /// Writes the first `pixels`, of one plane or of one block of channels.
    void copy(int64_t pixels, int64_t pixel_floats, float* to) const;
};

/// What a step does with an operand as it reads it through a normalise and clamps: nothing unless told.
Normalisation normalisation_of(const Reading& reading, const Buffers& memory);

/// Finds a step's images, with the kernels of the time when the step is planned.
class PixelReader {
 public:
    explicit PixelReader(const Reading& reading)
        : reading_(reading),
          normalise_(normalise_pixels()),
          differentiate_(normalise_gradient_pixels(reading.gradient && reading.gradient->six)) {}

    /// A step's input that is read through a normalise, or as a gradient through a normalise_gradient, if told.
    Pixels normalised(const Buffers& memory, size_t input) const;
    Pixels gradient(const Buffers& memory, size_t input) const;

    /// Input 0 of a step that reads no other in such a way.
    Pixels first(const Buffers& memory) const {
        return reading_.gradient ? gradient(memory, 0) : normalised(memory, 0);
    }

 private:
    Reading                  reading_;
    NormalisePixels*         normalise_;
    NormaliseGradientPixels* differentiate_;
};

}  // namespace hemp
