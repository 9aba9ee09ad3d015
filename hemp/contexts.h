#pragma once
// What surrounds a symbol in its tensor, as small numbers to predict it by: docs/format.md, 5.7. Why these: pruned
// networks have dead rows and columns (hidden units, border pixels), hence averages along both and the activity of the
// unit that feeds a column, known from the tensor before; images and kernels are smooth, hence neighbours in the row,
// in the row above, and in the image's or kernel's own rows. The coded LeNets grow without any of them.

#include "core/shape.h"
#include "hemp/mixer.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hemp {

/// Mean magnitudes of the rows of the last matrix; none before the first matrix.
using Activities = std::optional<std::vector<uint32_t>>;

/// A tensor as a matrix, and where its columns lie in an image or kernel.
struct Walk {
    Walk(const Shape& shape, const Activities& producers);

    int64_t rows    = 1;
    int64_t columns = 1;
    int64_t block   = 0;  ///< columns that one row of the last matrix feeds; 0: not known
    int64_t grid    = 1;  ///< columns of one image or kernel
    int64_t width   = 0;  ///< its width; 0: no grid
};

/// Goes through a tensor's symbols in row-major order. Reads only those before the current one.
class Surroundings {
 public:
    static constexpr std::array<size_t, Mixer::contexts> sizes{3, 36, 216, 800, 120, 240, 0, 240, 400, 800, 400};
    static constexpr size_t                              column_context = 6;
    static constexpr size_t                              sign_count     = 9;

    Surroundings(const Walk& walk, std::span<const int32_t> symbols, const Activities& producers);

    void start_row();

    /// Contexts of the current symbol's magnitude; `selector` afterwards holds the mixer's.
    Mixer::Context magnitude_contexts();
    Mixer::Context sign_contexts() const;
    size_t         selector() const { return selector_; }

    /// The current symbol is `d`: on to the next one.
    void see(int32_t d);

    /// Of the row up to here.
    uint32_t row_activity() const { return row_.value; }

    /// Columns that have statistics of their own; later ones share them.
    size_t columns() const { return columns_.size(); }

 private:
    /// A running mean of magnitudes in 16 fractional bits.
    struct Average {
        uint32_t value = 4096;
        void     see(uint32_t magnitude, size_t pace) {
                int64_t goal = int64_t{magnitude} << 16;
                value        = static_cast<uint32_t>(value + ((goal - value) * rates[pace] >> 16));
        }
    };
    struct Column {
        Average mean;
        Average recent;
        int32_t balance = 0;
    };

    bool    in_grid() const { return walk_.width > 0 && grid_row_ > 0; }
    int32_t back(int64_t columns) const { return symbols_[static_cast<size_t>(index_ - columns)]; }
    void    find_neighbours();

    const Walk&               walk_;
    std::span<const int32_t>  symbols_;
    std::span<const uint32_t> producers_;
    std::vector<Column>       columns_;

    // Where the current symbol is.
    int64_t index_       = 0;
    int64_t row_number_  = -1;
    int64_t column_      = 0;
    size_t  shared_      = 0;  // column_ modulo columns()
    int64_t grid_row_    = 0;
    int64_t grid_column_ = 0;
    size_t  producer_    = 0;
    int64_t in_block_    = 0;

    // What was seen.
    Average all_;
    Average row_;
    Average near_;
    Average wide_;
    int32_t row_balance_ = 0;

    struct Neighbours {
        int32_t left = 0, left2 = 0, up = 0, up_left = 0, up_right = 0, grid_up = 0, grid_left = 0, grid_right = 0;
    };
    Neighbours near_by_;
    size_t     selector_ = 0;
};

}  // namespace hemp
