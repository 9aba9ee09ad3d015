#include "hemp/contexts.h"

#include <bit>
#include <cmath>
#include <cstdlib>

namespace hemp {
namespace {

constexpr int64_t  most_columns = 65536;
constexpr uint32_t unknown      = 4096;  // an average before anything is seen

uint32_t magnitude(int32_t d) { return std::min(static_cast<uint32_t>(std::abs(d)), 16384u); }

uint32_t half_octave(uint32_t e) {
    if (e < 16) {
        return 0;
    }
    uint32_t n = static_cast<uint32_t>(std::bit_width(e)) - 1;
    return std::min(39u, 2 * (n - 4) + (e >> (n - 1) & 1));
}

uint32_t octave(uint32_t e) { return half_octave(e) / 2; }

uint32_t size_class(uint32_t magnitude) {
    static constexpr std::array<uint8_t, 10> classes{0, 1, 2, 3, 3, 4, 4, 4, 4, 5};
    return classes[std::min<size_t>(magnitude, 9)];
}

uint32_t sign_class(int32_t d) { return d > 0 ? 2 : d < 0 ? 1 : 0; }

/// Of 2^31 elements of one sign the last one would be too many; none comes behind it that reads the sum.
int32_t wrapping_sum(int32_t a, int32_t b) {
    return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

uint32_t balance_class(int32_t balance) {
    static constexpr std::array<uint8_t, 9> classes{0, 1, 1, 2, 3, 4, 5, 5, 6};
    return classes[static_cast<size_t>(std::clamp(balance, -4, 4) + 4)];
}

/// 0 if n is no square.
int64_t root_of_square(int64_t n) {
    int64_t root = std::llround(std::sqrt(static_cast<double>(n)));
    return root * root == n ? root : 0;
}

}  // namespace

Walk::Walk(const Shape& shape, const Activities& producers) {
    rows    = shape.rank() >= 2 ? shape[0] : 1;
    columns = shape.size() / rows;

    int64_t units = producers ? static_cast<int64_t>(producers->size()) : 0;
    if (units > 0 && columns % units == 0) {
        block = columns / units;
    }
    if (shape.rank() >= 3) {
        grid  = columns / shape[1];
        width = shape[-1];
        return;
    }
    int64_t image = 0;
    if (block > 1) {
        image = block;
    } else if (!producers) {
        bool three_channels = columns % 3 == 0 && root_of_square(columns / 3) > 0;
        image               = three_channels ? columns / 3 : columns;
    }
    if (image > 3 && root_of_square(image) > 0) {
        grid  = image;
        width = root_of_square(image);
    }
}

Surroundings::Surroundings(const Walk& walk, std::span<const int32_t> symbols, const Activities& producers)
    : walk_(walk), symbols_(symbols), columns_(static_cast<size_t>(std::min(walk.columns, most_columns))) {
    if (walk.block > 0) {
        producers_ = *producers;
    }
}

void Surroundings::start_row() {
    ++row_number_;
    column_      = 0;
    shared_      = 0;
    grid_row_    = 0;
    grid_column_ = 0;
    producer_    = 0;
    in_block_    = 0;
    row_         = all_;
    row_balance_ = 0;
}

void Surroundings::find_neighbours() {
    near_by_       = {};
    near_by_.left  = column_ > 0 ? back(1) : 0;
    near_by_.left2 = column_ > 1 ? back(2) : 0;
    if (row_number_ > 0) {
        near_by_.up       = back(walk_.columns);
        near_by_.up_left  = column_ > 0 ? back(walk_.columns + 1) : 0;
        near_by_.up_right = column_ + 1 < walk_.columns ? back(walk_.columns - 1) : 0;
    }
    if (in_grid()) {
        near_by_.grid_up    = back(walk_.width);
        near_by_.grid_left  = grid_column_ > 0 ? back(walk_.width + 1) : 0;
        near_by_.grid_right = grid_column_ + 1 < walk_.width ? back(walk_.width - 1) : 0;
    }
}

Mixer::Context Surroundings::magnitude_contexts() {
    find_neighbours();
    const Column& column = columns_[shared_];
    uint32_t      left   = magnitude(near_by_.left);
    uint32_t      left2  = magnitude(near_by_.left2);
    uint32_t      up     = magnitude(near_by_.up);
    uint32_t      above  = magnitude(near_by_.grid_up);
    uint32_t around = 2 * (left + above + up) + magnitude(near_by_.grid_left) + magnitude(near_by_.grid_right) + left2 +
                      magnitude(near_by_.up_left) + magnitude(near_by_.up_right);
    uint64_t expected    = uint64_t{column.mean.value} * row_.value / std::max(16u, all_.value);
    uint32_t left_class  = size_class(left);
    uint32_t above_class = size_class(above);
    uint32_t column_band = octave(column.mean.value);
    uint32_t row_band    = octave(row_.value);
    uint32_t feed_band   = octave(walk_.block > 0 ? producers_[producer_] : unknown);

    selector_ = row_band;
    return {0,
            6 * left_class + size_class(left2),
            36 * above_class + 6 * left_class + size_class(up),
            20 * half_octave(2048 * around) + column_band,
            half_octave(static_cast<uint32_t>(std::min<uint64_t>(expected, 1 << 30))),
            6 * half_octave(near_.value) + above_class,
            static_cast<uint32_t>(shared_),
            6 * half_octave(column.recent.value) + left_class,
            20 * feed_band + 3 * left_class + std::min(2u, up),
            20 * half_octave(wide_.value) + column_band,
            20 * feed_band + row_band};
}

Mixer::Context Surroundings::sign_contexts() const {
    uint32_t left           = sign_class(near_by_.left);
    uint32_t up             = sign_class(near_by_.up);
    uint32_t above          = sign_class(near_by_.grid_up);
    uint32_t column_balance = balance_class(columns_[shared_].balance);
    uint32_t row_balance    = balance_class(row_balance_);
    return {0,
            3 * left + sign_class(near_by_.left2),
            3 * up + left,
            column_balance,
            row_balance,
            7 * column_balance + row_balance,
            static_cast<uint32_t>(shared_),
            9 * above + 3 * left + up,
            9 * above + 3 * sign_class(near_by_.grid_left) + sign_class(near_by_.grid_right)};
}

void Surroundings::see(int32_t d) {
    Column&  column = columns_[shared_];
    uint32_t size   = magnitude(d);
    int32_t  sign   = (d > 0) - (d < 0);
    column.mean.see(size, static_cast<size_t>(std::min<int64_t>(row_number_ + 1, 200)));
    column.recent.see(size, 6);
    column.balance = wrapping_sum(column.balance, sign);
    row_.see(size, static_cast<size_t>(std::min<int64_t>(column_ + 1, 400)));
    row_balance_ = wrapping_sum(row_balance_, sign);
    near_.see(size, 4);
    wide_.see(size, 14);
    all_.see(size, static_cast<size_t>(std::min<int64_t>(index_ + 1, 1000)));

    ++index_;
    ++column_;
    if (++shared_ == columns_.size()) {
        shared_ = 0;
    }
    if (walk_.width > 0 && ++grid_column_ == walk_.width) {
        grid_column_ = 0;
        grid_row_    = (grid_row_ + 1) * walk_.width == walk_.grid ? 0 : grid_row_ + 1;
    }
    if (walk_.block > 0 && ++in_block_ == walk_.block) {
        in_block_ = 0;
        ++producer_;
    }
}

}  // namespace hemp
