#pragma once

#include "datasets/augment/draw.h"
#include "datasets/images.h"

#include <span>
#include <string>

namespace hemp {

/// How training images are varied. Each field that is 0 or false leaves its step out; the steps follow this order.
struct Augmentation {
    int    crop         = 0;      ///< random_crop with so many pixels of padding
    double resized_crop = 0;      ///< random_box of at least that share of the image
    bool   flip         = false;  ///< random_flip
    double jitter       = 0;      ///< colour_jitter of that strength
    int    cutout       = 0;      ///< cutout of a square with that side
    double erase        = 0;      ///< random_erasing with that probability

    bool operator==(const Augmentation&) const = default;
};

/// From names with commas between, each with its default or "=VALUE" of its own: "crop=4,flip"; "none" and "" are none.
///   throws    UsageError on an unknown name, a value out of range, or both ways to crop
Augmentation augmentation(const std::string& text);

/// Fills `to` with an image in training: in another size than `from`, without random_box, as in evaluation.
///   colour    for each channel, of what is hidden
void augment(const Augmentation& augmentation, ConstImage from, Image to, std::span<const uint8_t> colour,
             const Place& place);

}  // namespace hemp
