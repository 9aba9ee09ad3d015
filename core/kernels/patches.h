#pragma once
// im2col and its adjoint: the patches under a convolution's or pooling's window, as columns of a matrix.

#include <cstdint>

namespace hemp {

/// One image's window positions. All lengths in elements.
struct Window {
    int64_t channels, height, width;  // of the image
    int64_t kernel_height, kernel_width;
    int64_t stride_height, stride_width;
    int64_t pad_height, pad_width;  // zeros on each side
    int64_t dilation_height, dilation_width;

    int64_t output_height() const {
        return (height + 2 * pad_height - dilation_height * (kernel_height - 1) - 1) / stride_height + 1;
    }
    int64_t output_width() const {
        return (width + 2 * pad_width - dilation_width * (kernel_width - 1) - 1) / stride_width + 1;
    }
    int64_t taps() const { return channels * kernel_height * kernel_width; }
    int64_t positions() const { return output_height() * output_width(); }
};

/// columns [taps, row_stride]: row (c, i, j), column (y, x) holds the image's value under tap (i, j) of the window at
/// (y, x), or 0 in the padding. Writes `positions()` elements of each row.
void patches_to_columns(const Window& window, const float* image, float* columns, int64_t row_stride);

/// Adds every column element back to the image's value it came from; the adjoint of the above.
void add_columns_to_image(const Window& window, const float* columns, int64_t row_stride, float* image);

}  // namespace hemp
