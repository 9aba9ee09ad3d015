#include "core/kernels/shifted_rows.h"

#include "core/kernels/short_rows.h"

#include <algorithm>

namespace hemp {
namespace {

/// Output positions [first, last) along a row whose tap lies inside the image.
struct Inside {
    int64_t first, last;

    Inside(int64_t offset, int64_t stride, int64_t length, int64_t outputs) {
        first = offset >= 0 ? 0 : std::min((-offset + stride - 1) / stride, outputs);
        last  = offset >= length ? first : std::clamp((length - offset + stride - 1) / stride, first, outputs);
    }
};

/// Calls visit(offset in the shifted rows, start in the image, inside) for each row of the copies; a row in the
/// padding has nothing inside.
template <class Visit>
void for_each_row(const Window& w, const Visit& visit) {
    int64_t rows  = w.rows_of_a_remainder();
    int64_t width = w.output_width();
    int64_t at    = 0;
    for (int64_t channel = 0; channel < w.channels; ++channel) {
        for (int64_t column = 0; column < w.kernel_width; ++column) {
            int64_t offset = column * w.dilation_width - w.pad_width;
            Inside  inside(offset, w.stride_width, w.width, width);
            for (int64_t remainder = 0; remainder < w.stride_height; ++remainder) {
                for (int64_t row = 0; row < rows; ++row, at += width) {
                    int64_t y   = row * w.stride_height + remainder - w.pad_height;
                    bool    hit = y >= 0 && y < w.height;
                    visit(at, hit ? (channel * w.height + y) * w.width + offset : 0, hit ? inside : Inside(0, 1, 0, 0));
                }
            }
        }
    }
}

}  // namespace

std::vector<int64_t> Window::tap_offsets() const {
    std::vector<int64_t> offsets;
    for (int64_t channel = 0; channel < channels; ++channel) {
        for (int64_t row = 0; row < kernel_height; ++row) {
            for (int64_t column = 0; column < kernel_width; ++column) {
                offsets.push_back((channel * kernel_width + column) * copy_floats() + row_offset(row));
            }
        }
    }
    return offsets;
}

void shift_rows(const Window& w, const float* image, float* shifted) {
    int64_t width = w.output_width();
    for_each_row(w, [&](int64_t at, int64_t start, Inside inside) {
        float* to = shifted + at;
        for (int64_t x = 0; x < inside.first; ++x) {
            to[x] = 0;
        }
        if (w.stride_width == 1) {
            copy_row(image + start + inside.first, inside.last - inside.first, to + inside.first);
        } else {
            for (int64_t x = inside.first; x < inside.last; ++x) {
                to[x] = image[start + x * w.stride_width];
            }
        }
        for (int64_t x = inside.last; x < width; ++x) {
            to[x] = 0;
        }
    });
}

void add_shifted_rows(const Window& w, const float* shifted, float* image) {
    for_each_row(w, [&](int64_t at, int64_t start, Inside inside) {
        const float* from = shifted + at;
        if (w.stride_width == 1) {
            add_row(from + inside.first, inside.last - inside.first, image + start + inside.first);
        } else {
            for (int64_t x = inside.first; x < inside.last; ++x) {
                image[start + x * w.stride_width] += from[x];
            }
        }
    });
}

}  // namespace hemp
