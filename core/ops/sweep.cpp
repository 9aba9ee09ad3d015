#include "core/ops/sweep.h"

#include <algorithm>

namespace hemp {
namespace {

/// Along one axis, the pixels of x at a distance `remainder` from the stride's grid: the first of them, how many, the
/// taps that they meet (remainder, remainder + stride ...), and the pixel of dy that the last of these meets.
struct AxisPhase {
    int64_t first, count, taps, in_first;
};

AxisPhase axis_phase(int64_t remainder, int64_t length, int64_t kernel, int64_t stride, int64_t padding) {
    int64_t first = ((remainder - padding) % stride + stride) % stride;
    int64_t count = first < length ? (length - first - 1) / stride + 1 : 0;
    int64_t taps  = remainder < kernel ? (kernel - remainder - 1) / stride + 1 : 0;
    // Pixel h = first + i * stride meets tap remainder + t * stride at dy[(h + padding - remainder) / stride - t].
    return {first, count, taps, (first + padding - remainder) / stride - (taps - 1)};
}

/// Copies a strip of `blocks` planes of `pixel_floats` floats a pixel, with zeros where it lies outside.
void copy_strip(const Pixels& image, Extent size, int64_t blocks, int64_t pixel_floats, const Strip& strip, float* to) {
    Strip inner = strip.inside(size);
    for (int64_t block = 0; block < blocks; ++block) {
        zero_around(strip, inner, pixel_floats, to);
        for (int64_t row = inner.top; row < inner.bottom; ++row) {
            int64_t place = ((block * size.height + row) * size.width + inner.left) * pixel_floats;
            image.from(place, block)
                .copy(inner.columns(), pixel_floats, to + strip.place(row, inner.left) * pixel_floats);
        }
        to += strip.rows() * strip.columns() * pixel_floats;
    }
}

}  // namespace

Strip Strip::inside(Extent image) const {
    int64_t first_row = std::clamp<int64_t>(0, top, bottom), first_column = std::clamp<int64_t>(0, left, right);
    return {first_row, std::clamp(image.height, first_row, bottom), first_column,
            std::clamp(image.width, first_column, right)};
}

void zero_around(const Strip& strip, const Strip& inner, int64_t pixel_floats, float* to) {
    auto zero = [&](int64_t row, int64_t column, int64_t pixels) {
        std::fill_n(to + strip.place(row, column) * pixel_floats, pixels * pixel_floats, 0.0f);
    };
    zero(strip.top, strip.left, (inner.top - strip.top) * strip.columns());
    for (int64_t row = inner.top; row < inner.bottom; ++row) {
        zero(row, strip.left, inner.left - strip.left);
        zero(row, inner.right, strip.right - inner.right);
    }
    zero(inner.bottom, strip.left, (strip.bottom - inner.bottom) * strip.columns());
}

std::vector<Phase> forward_phases(Extent y, Extent kernel, Extent padding) {
    return {
        {.out_first = {0, 0}, .count = y, .in_first = {-padding.height, -padding.width}, .taps = kernel, .weights = 0}};
}

std::vector<Phase> gradient_phases(Extent x, Extent kernel, Extent stride, Extent padding) {
    std::vector<Phase> phases;
    int64_t            weights = 0;
    for (int64_t row = 0; row < stride.height; ++row) {
        AxisPhase down = axis_phase(row, x.height, kernel.height, stride.height, padding.height);
        for (int64_t column = 0; column < stride.width; ++column) {
            AxisPhase across = axis_phase(column, x.width, kernel.width, stride.width, padding.width);
            phases.push_back({.out_first = {down.first, across.first},
                              .count     = {down.count, across.count},
                              .in_first  = {down.in_first, across.in_first},
                              .taps      = {down.taps, across.taps},
                              .weights   = weights});
            weights += down.taps * across.taps;
        }
    }
    return phases;
}

Strip Sweep::strip(int64_t first, int64_t last) const {
    Strip all{in.height, 0, in.width, 0};
    bool  any = false;
    for (const Phase& phase : phases) {
        int64_t end = std::min(last, phase.count.height);
        if (first < end && phase.count.width > 0 && phase.taps.area() > 0) {
            int64_t top    = phase.in_first.height + first * in_step.height;
            int64_t left   = phase.in_first.width;
            int64_t bottom = phase.in_first.height + (end - 1) * in_step.height + phase.taps.height;
            int64_t right  = phase.in_first.width + (phase.count.width - 1) * in_step.width + phase.taps.width;
            all            = any ? Strip{std::min(all.top, top), std::max(all.bottom, bottom), std::min(all.left, left),
                              std::max(all.right, right)}
                                 : Strip{top, bottom, left, right};
            any            = true;
        }
    }
    return any ? all : Strip{0, 0, 0, 0};
}

bool Sweep::inside(const Strip& s) const {
    return s.top >= 0 && s.left >= 0 && s.bottom <= in.height && s.right <= in.width;
}

bool Sweep::pointwise() const {
    return phases.size() == 1 && phases[0].taps.area() == 1 && in_step.area() == 1 && phases[0].count == in &&
           phases[0].in_first == Extent{0, 0};
}

int64_t Sweep::rows() const {
    int64_t most = 0;
    for (const Phase& phase : phases) {
        most = std::max(most, phase.count.height);
    }
    return most;
}

int64_t Sweep::write_offsets(const Phase& phase, int64_t block_floats, int64_t row_floats, int64_t* offsets) const {
    int64_t count = 0;
    for (int64_t block = 0; block < in_blocks; ++block) {
        for (int64_t row = 0; row < phase.taps.height; ++row) {
            for (int64_t column = 0; column < (in_lanes == 1 ? 1 : phase.taps.width); ++column) {
                offsets[count++] = block * block_floats + row * row_floats + column * in_lanes;
            }
        }
    }
    return count;
}

int64_t Sweep::most_offsets() const {
    int64_t most = 0;
    for (const Phase& phase : phases) {
        most = std::max(most, phase.taps.area());
    }
    return most * in_blocks;
}

Cut cut_of(const Sweep& s, int64_t cache_floats, bool computed) {
    constexpr int64_t least_rows = 4;  // of a tile
    constexpr int64_t enough     = 16;
    int64_t           rows       = std::max<int64_t>(s.rows(), 1);
    auto              floats     = [&](int64_t count) {
        int64_t most = 0;
        for (int64_t first = 0; first < rows; first += count) {
            Strip strip = s.strip(first, first + count);
            most        = std::max(most, strip.rows() * strip.columns() * s.in_blocks * s.in_lanes);
        }
        return most;
    };
    int64_t strips = 1;
    while (rows / (strips + 1) >= least_rows && floats((rows + strips - 1) / strips) > cache_floats) {
        ++strips;
    }
    int64_t strip_rows     = (rows + strips - 1) / strips;
    strips                 = (rows + strip_rows - 1) / strip_rows;
    int64_t pieces         = std::max<int64_t>(s.images * strips, 1);
    int64_t shares         = std::clamp<int64_t>((enough + pieces - 1) / pieces, 1, std::max<int64_t>(s.out_blocks, 1));
    bool    copied         = computed || !s.inside(s.strip(0, rows));
    constexpr int64_t line = 16;  // floats, so that the offsets are aligned
    int64_t           strip = copied ? (floats(strip_rows) + line - 1) / line * line : 0;
    return {strip_rows, strips, shares, strip, static_cast<size_t>(s.most_offsets()) * sizeof(int64_t)};
}

StripView read_strip(const Sweep& s, const Cut& cut, const Pixels& image, int64_t blocks, int64_t first,
                     std::byte* thread_scratch) {
    StripView view{.pixels       = image.memory,
                   .strip        = {0, s.in.height, 0, s.in.width},
                   .pixel_floats = s.in_lanes,
                   .row_floats   = 0,
                   .block_floats = 0};
    if (cut.strip_floats > 0) {
        auto* copy = reinterpret_cast<float*>(thread_scratch);
        view.strip = s.strip(first, first + cut.strip_rows);
        copy_strip(image, s.in, blocks, s.in_lanes, view.strip, copy);
        view.pixels = copy;
    }
    view.row_floats   = view.strip.columns() * s.in_lanes;
    view.block_floats = view.strip.rows() * view.row_floats;
    return view;
}

}  // namespace hemp
