#pragma once

#include "datasets/augment/draw.h"
#include "datasets/images.h"

namespace hemp {

/// Brightness, contrast and (of three channels) saturation change by random factors in [1 - strength, 1 + strength], in
/// that order: pixels times the first, distances from the image's mean grey times the second, distances from each
/// pixel's grey times the third. Grey is 0.299 R + 0.587 G + 0.114 B.
///   strength  in [0, 1]
void colour_jitter(Image image, double strength, const Place& place);

}  // namespace hemp
