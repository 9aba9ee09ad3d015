#pragma once

#include "datasets/augment/draw.h"
#include "datasets/images.h"

namespace hemp {

/// Every other image, by chance, becomes its mirror image: left is right.
void random_flip(Image image, const Place& place);

}  // namespace hemp
