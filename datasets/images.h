#pragma once
// Many images of one size in one block of memory that copies share, so that parts of a data set cost no memory.

#include "core/array.h"

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace hemp {

/// One image [C, H, W] somewhere in memory, channel by channel.
template <class Byte>
struct ImageIn {
    Byte*   pixels;
    int64_t channels, height, width;

    Byte*   row(int64_t channel, int64_t y) const { return pixels + (channel * height + y) * width; }
    int64_t size() const { return channels * height * width; }

    operator ImageIn<const Byte>() const requires(!std::is_const_v<Byte>) { return {pixels, channels, height, width}; }
};
using Image      = ImageIn<uint8_t>;
using ConstImage = ImageIn<const uint8_t>;

/// Of an array u8 [C, H, W].
Image      view(Array& image);
ConstImage view(const Array& image);

/// Images u8 [N, C, H, W] that nobody changes any more.
class Images {
 public:
    Images() = default;
    explicit Images(Array images);
    /// Pixels owned by something else: a mapped file.
    Images(const Shape& shape, std::shared_ptr<const uint8_t> pixels);

    /// [N, C, H, W]
    const Shape& shape() const { return shape_; }

    ConstImage               operator[](int64_t index) const;
    std::span<const uint8_t> bytes_of(int64_t index) const;

    /// The images at `indices`, in that order; they share the memory.
    ///   throws    ShapeError if there is no such image
    Images selected(std::span<const int64_t> indices) const;

 private:
    Shape                          shape_{0, 0, 0, 0};
    std::shared_ptr<const uint8_t> pixels_;
    std::vector<int64_t>           order_;  ///< where each image lies; empty: one after another
};

}  // namespace hemp
