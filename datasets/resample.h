#pragma once

#include "datasets/images.h"

namespace hemp {

/// A part of an image, in pixels; its borders may lie within pixels.
struct Box {
    double top, left, height, width;
};

/// Fills `to` with the part of `from` that the box cuts out, in the size of `to`: each value is the mean of the area it
/// stands for where the image shrinks, and lies on the line between neighbours where it grows.
///   throws    ShapeError unless the box has an area and lies within the image, and both images have as many channels
void resample(ConstImage from, const Box& box, Image to);

/// The greatest part of an image in the middle that has the proportions of height x width.
Box centre_box(ConstImage image, int64_t height, int64_t width);

/// How a test image becomes [C, height, width]: one of that size stays as it is; a larger one shrinks until its shorter
/// side is 8/7 of the wanted one (256 for 224) and is cut out in the middle; a smaller one grows and is cut to the
/// proportions.
Box evaluation_box(ConstImage image, int64_t height, int64_t width);

/// That side, for a wanted one.
int64_t side_before_crop(int64_t side);

}  // namespace hemp
