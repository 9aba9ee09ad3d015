#include "core/ops/copy.h"

#include <algorithm>

namespace hemp {
namespace {

template <size_t bytes>
void copy_row(const std::byte* from, int64_t from_stride, std::byte* to, int64_t to_stride, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        std::memcpy(to + i * to_stride, from + i * from_stride, bytes);
    }
}

}  // namespace

StridedBox dense_box(const Shape& shape) { return {shape, 0, dense_strides(shape)}; }

int64_t rows_of(const Shape& shape) { return shape.rank() == 0 ? 1 : shape.size() / std::max<int64_t>(shape[-1], 1); }

void copy_rows(const std::byte* from, const StridedBox& from_box, std::byte* to, const StridedBox& to_box, size_t bytes,
               int64_t begin, int64_t end) {
    const Shape& shape  = from_box.shape;
    int          last   = shape.rank() - 1;
    int64_t      count  = last < 0 ? 1 : shape[last];
    auto         stride = [&](const StridedBox& box) {
        return last < 0 ? 0 : box.strides[static_cast<size_t>(last)] * static_cast<int64_t>(bytes);
    };
    int64_t from_step = stride(from_box);
    int64_t to_step   = stride(to_box);
    for (int64_t row = begin; row < end; ++row) {
        int64_t from_at = from_box.offset;
        int64_t to_at   = to_box.offset;
        int64_t rest    = row;
        for (int axis = last - 1; axis >= 0; --axis) {
            int64_t index = rest % shape[axis];
            rest /= shape[axis];
            from_at += index * from_box.strides[static_cast<size_t>(axis)];
            to_at += index * to_box.strides[static_cast<size_t>(axis)];
        }
        const std::byte* source = from + from_at * static_cast<int64_t>(bytes);
        std::byte*       target = to + to_at * static_cast<int64_t>(bytes);
        if (from_step == static_cast<int64_t>(bytes) && to_step == from_step) {
            std::memcpy(target, source, static_cast<size_t>(count) * bytes);
        } else if (bytes == 4) {
            copy_row<4>(source, from_step, target, to_step, count);
        } else if (bytes == 1) {
            copy_row<1>(source, from_step, target, to_step, count);
        } else {
            copy_row<8>(source, from_step, target, to_step, count);
        }
    }
}

Work copy_work(StridedBox from, StridedBox to, size_t bytes) {
    int64_t rows = from.shape.size() == 0 ? 0 : rows_of(from.shape);
    int64_t pieces =
        std::clamp<int64_t>(from.shape.size() / 8192, 1, std::max<int64_t>(std::min<int64_t>(rows, 32), 1));
    return {.stages = {{pieces, [=](const Buffers& memory, int64_t piece) {
                            copy_rows(memory.input<std::byte>(0), from, memory.out<std::byte>(), to, bytes,
                                      rows * piece / pieces, rows * (piece + 1) / pieces);
                        }}}};
}

}  // namespace hemp
