#pragma once

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace hemp {

/// The lengths of a tensor's axes, outermost first; no axes is a scalar. At most 8 axes.
class Shape {
 public:
    static constexpr int max_rank = 8;

    Shape() = default;
    Shape(std::initializer_list<int64_t> lengths) : Shape(std::span(lengths.begin(), lengths.size())) {}
    /// Throws ShapeError on more than 8 axes, a negative length, or more than 2^40 elements.
    explicit Shape(std::span<const int64_t> lengths);
    explicit Shape(const std::vector<int64_t>& lengths) : Shape(std::span<const int64_t>(lengths)) {}

    int     rank() const { return rank_; }
    int64_t size() const;  ///< number of elements; 1 for a scalar

    /// Length of one axis; negative axes count from the end.
    int64_t operator[](int axis) const { return lengths_[static_cast<size_t>(axis < 0 ? axis + rank_ : axis)]; }

    std::span<const int64_t> lengths() const { return {lengths_.data(), static_cast<size_t>(rank_)}; }
    const int64_t*           begin() const { return lengths_.data(); }
    const int64_t*           end() const { return lengths_.data() + rank_; }

    bool operator==(const Shape&) const = default;

 private:
    std::array<int64_t, max_rank> lengths_{};
    int                           rank_ = 0;
};

/// "[100, 1, 28, 28]"; a scalar is "[]".
std::string to_string(const Shape& shape);

/// The shape that elementwise operands of shapes `a` and `b` give: axes are aligned at the end and a length of 1
/// repeats (NumPy's rule). Throws ShapeError that begins with `who` when they do not fit.
Shape broadcast(const Shape& a, const Shape& b, std::string_view who);

/// Distance in elements between neighbours along each axis of a dense row-major tensor.
std::array<int64_t, Shape::max_rank> dense_strides(const Shape& shape);

/// `axis` counted from the front. Throws ShapeError that begins with `who` when the shape has no such axis.
int checked_axis(int axis, const Shape& shape, std::string_view who);

}  // namespace hemp

template <>
struct fmt::formatter<hemp::Shape> {
    constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
    auto           format(const hemp::Shape& shape, fmt::format_context& context) const {
                  return fmt::format_to(context.out(), "{}", to_string(shape));
    }
};
