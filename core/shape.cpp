#include "core/shape.h"

#include "core/error.h"

#include <algorithm>

namespace hemp {

Shape::Shape(std::span<const int64_t> lengths) {
    expect(lengths.size() <= max_rank, "shape: {} axes; at most {} are supported", lengths.size(), max_rank);
    constexpr int64_t most = int64_t{1} << 40;
    int64_t           size = 1;
    for (int64_t length : lengths) {
        expect(length >= 0, "shape: an axis has the negative length {}", length);
        expect(length == 0 || size <= most / length, "shape: more than 2^40 elements");
        size *= length;
        lengths_[static_cast<size_t>(rank_++)] = length;
    }
}

int64_t Shape::size() const {
    int64_t size = 1;
    for (int64_t length : *this) {
        size *= length;
    }
    return size;
}

std::string to_string(const Shape& shape) {
    std::string text = "[";
    for (int axis = 0; axis < shape.rank(); ++axis) {
        text += axis == 0 ? "" : ", ";
        text += std::to_string(shape[axis]);
    }
    text += "]";
    return text;
}

Shape broadcast(const Shape& a, const Shape& b, std::string_view who) {
    std::array<int64_t, Shape::max_rank> lengths{};
    int                                  rank = std::max(a.rank(), b.rank());
    for (int i = 1; i <= rank; ++i) {
        int64_t from_a = i <= a.rank() ? a[-i] : 1;
        int64_t from_b = i <= b.rank() ? b[-i] : 1;
        expect(from_a == from_b || from_a == 1 || from_b == 1,
               "{}: shapes {} and {} do not fit; counted from the end, axis {} has lengths {} and {}, which must be "
               "equal or one of them 1",
               who, a, b, i, from_a, from_b);
        lengths[static_cast<size_t>(rank - i)] = from_a == 1 ? from_b : from_a;
    }
    return Shape(std::span<const int64_t>(lengths.data(), static_cast<size_t>(rank)));
}

std::array<int64_t, Shape::max_rank> dense_strides(const Shape& shape) {
    std::array<int64_t, Shape::max_rank> strides{};
    int64_t                              stride = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
        strides[static_cast<size_t>(axis)] = stride;
        stride *= shape[axis];
    }
    return strides;
}

int checked_axis(int axis, const Shape& shape, std::string_view who) {
    expect(axis >= -shape.rank() && axis < shape.rank(), "{}: axis {} is not one of the {} axes of {}", who, axis,
           shape.rank(), shape);
    return axis < 0 ? axis + shape.rank() : axis;
}

}  // namespace hemp
