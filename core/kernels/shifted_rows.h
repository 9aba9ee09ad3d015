#pragma once
// What a convolution multiplies its weights with, in less memory than im2col: one copy of the image for each column of
// the kernel, cut to the output's width, so that the values under a tap at all output positions lie one after another.
// A tap of another kernel row begins some rows further down in the same copy.

#include <cstdint>
#include <vector>

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

    /// Rows of one copy: those that any kernel row meets, of each remainder to the stride by itself.
    int64_t rows_of_a_remainder() const {
        return output_height() + (dilation_height * (kernel_height - 1)) / stride_height;
    }
    int64_t copy_floats() const { return stride_height * rows_of_a_remainder() * output_width(); }
    int64_t shifted_floats() const { return channels * kernel_width * copy_floats(); }

    /// Where the values under a kernel row begin in a copy.
    int64_t row_offset(int64_t kernel_row) const {
        int64_t down = kernel_row * dilation_height;
        return (down % stride_height * rows_of_a_remainder() + down / stride_height) * output_width();
    }
    /// Where the values under each tap (channel, kernel row, kernel column) begin in the shifted rows.
    std::vector<int64_t> tap_offsets() const;
};

/// The copies, for each channel and kernel column, with zeros in the padding.
void shift_rows(const Window& window, const float* image, float* shifted);

/// Adds every element of the copies back to the image's value that it came from; the adjoint of the above.
void add_shifted_rows(const Window& window, const float* shifted, float* image);

}  // namespace hemp
