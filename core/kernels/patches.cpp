#include "core/kernels/patches.h"

#include <algorithm>
#include <cstring>

namespace hemp {
namespace {

/// Output positions [first, last) along one axis whose tap lies inside the image.
struct Inside {
    int64_t first, last;

    Inside(int64_t offset, int64_t stride, int64_t length, int64_t outputs) {
        first = offset >= 0 ? 0 : std::min((-offset + stride - 1) / stride, outputs);
        last  = offset >= length ? first : std::clamp((length - offset + stride - 1) / stride, first, outputs);
    }
};

/// Calls visit(row of the columns, image row start, inside) for each tap and output row.
template <class Visit>
void for_each_row(const Window& w, const Visit& visit) {
    int64_t height = w.output_height();
    int64_t width  = w.output_width();
    int64_t row    = 0;
    for (int64_t c = 0; c < w.channels; ++c) {
        for (int64_t i = 0; i < w.kernel_height; ++i) {
            for (int64_t j = 0; j < w.kernel_width; ++j, ++row) {
                int64_t offset_x = j * w.dilation_width - w.pad_width;
                Inside  inside(offset_x, w.stride_width, w.width, width);
                for (int64_t y = 0; y < height; ++y) {
                    int64_t source = y * w.stride_height + i * w.dilation_height - w.pad_height;
                    bool    hit    = source >= 0 && source < w.height;
                    visit(row, y, hit ? (c * w.height + source) * w.width + offset_x : 0,
                          hit ? inside : Inside(0, 1, 0, 0));
                }
            }
        }
    }
}

}  // namespace

void patches_to_columns(const Window& w, const float* image, float* columns, int64_t row_stride) {
    int64_t width = w.output_width();
    for_each_row(w, [&](int64_t row, int64_t y, int64_t start, Inside inside) {
        float* to = columns + row * row_stride + y * width;
        std::fill(to, to + inside.first, 0.0f);
        if (w.stride_width == 1 && inside.last - inside.first == 8) {
            std::memcpy(to + inside.first, image + start + inside.first, 8 * sizeof(float));
        } else if (w.stride_width == 1) {
            std::copy(image + start + inside.first, image + start + inside.last, to + inside.first);
        } else {
            for (int64_t x = inside.first; x < inside.last; ++x) {
                to[x] = image[start + x * w.stride_width];
            }
        }
        std::fill(to + inside.last, to + width, 0.0f);
    });
}

void add_columns_to_image(const Window& w, const float* columns, int64_t row_stride, float* image) {
    int64_t width = w.output_width();
    for_each_row(w, [&](int64_t row, int64_t y, int64_t start, Inside inside) {
        const float* from = columns + row * row_stride + y * width;
        if (w.stride_width == 1) {
            float* to = image + start;
            for (int64_t x = inside.first; x < inside.last; ++x) {
                to[x] += from[x];
            }
        } else {
            for (int64_t x = inside.first; x < inside.last; ++x) {
                image[start + x * w.stride_width] += from[x];
            }
        }
    });
}

}  // namespace hemp
