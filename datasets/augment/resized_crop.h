#pragma once

#include "datasets/augment/draw.h"
#include "datasets/resample.h"

namespace hemp {

/// A random part of the image: at least `least` of its area, with sides whose proportions are up to 4/3 off those of
/// height x width; resampled, it is a random resized crop (Szegedy et al., "Going deeper with convolutions", 2015,
/// section 6).
///   least     in (0, 1]
Box random_box(ConstImage image, int64_t height, int64_t width, double least, const Place& place);

}  // namespace hemp
