#include "datasets/images.h"

#include "core/error.h"

#include <utility>

namespace hemp {

Image view(Array& image) {
    return {image.values<uint8_t>().data(), image.shape()[0], image.shape()[1], image.shape()[2]};
}

ConstImage view(const Array& image) {
    return {image.values<uint8_t>().data(), image.shape()[0], image.shape()[1], image.shape()[2]};
}

Images::Images(Array images) : shape_(images.shape()) {
    auto           owner = std::make_shared<Array>(std::move(images));
    const uint8_t* first = std::as_const(*owner).values<uint8_t>().data();
    pixels_              = {std::move(owner), first};
}

Images::Images(const Shape& shape, std::shared_ptr<const uint8_t> pixels) : shape_(shape), pixels_(std::move(pixels)) {}

ConstImage Images::operator[](int64_t index) const {
    int64_t place = order_.empty() ? index : order_[static_cast<size_t>(index)];
    return {pixels_.get() + place * shape_[1] * shape_[2] * shape_[3], shape_[1], shape_[2], shape_[3]};
}

std::span<const uint8_t> Images::bytes_of(int64_t index) const {
    ConstImage image = (*this)[index];
    return {image.pixels, static_cast<size_t>(image.size())};
}

Images Images::selected(std::span<const int64_t> indices) const {
    Images result(*this);
    result.shape_ = {static_cast<int64_t>(indices.size()), shape_[1], shape_[2], shape_[3]};
    result.order_.clear();
    for (int64_t index : indices) {
        expect(index >= 0 && index < shape_[0], "images: there is no image {} among {}", index, shape_[0]);
        result.order_.push_back(order_.empty() ? index : order_[static_cast<size_t>(index)]);
    }
    return result;
}

}  // namespace hemp
