#pragma once

#include "datasets/augment/draw.h"
#include "datasets/images.h"

namespace hemp {

/// A random part of the image's size out of the image with `padding` black pixels around it: the image moves by up to
/// that many pixels each way (He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2016, section 4.2).
///   from, to  of one size, not the same memory
///   padding   below the image's height and width
void random_crop(ConstImage from, Image to, int64_t padding, const Place& place);

}  // namespace hemp
