#pragma once
// Augmentations that hide a part of the image under a plain colour.

#include "datasets/augment/draw.h"
#include "datasets/images.h"

#include <span>

namespace hemp {

/// Hides a square whose middle is any pixel, so that it may lie partly outside (DeVries, Taylor, "Improved
/// regularization of convolutional neural networks with Cutout", 2017).
///   side      of the square, in pixels, >= 1
///   colour    a value for each channel
void cutout(Image image, int64_t side, std::span<const uint8_t> colour, const Place& place);

/// With that probability, hides a rectangle of 2 % to a third of the image's area whose sides are up to 3.3 times as
/// long as each other (Zhong, Zheng, Kang, Li, Yang, "Random erasing data augmentation", 2017; a third instead of 40 %,
/// and one colour instead of noise).
void random_erasing(Image image, double probability, std::span<const uint8_t> colour, const Place& place);

}  // namespace hemp
