#pragma once
// Tuples of n neighbouring weights and the tables that count them: what the operators of the entropy share.
//
// A tuple of weights, each between two levels, stands for 2^n tuples of symbols ("corners"), each with the product of
// its members' shares. Counts are integers, in units of 2^-31 of a tuple: sums of them do not depend on their order,
// hence not on threads, and dividing a count among corners loses nothing.

#include "core/graph.h"
#include "hemp/soft_symbols.h"

#include <atomic>
#include <bit>
#include <type_traits>
#include <utility>

namespace hemp {

constexpr int    max_order = 8;
constexpr double one_tuple = 0x1p31;

/// Which weights of a tensor make tuples.
struct Windows {
    int64_t span;    ///< weights that a window covers, n or more
    int64_t stride;  ///< from one window to the next: the span, or 1 where windows overlap

    int64_t count(int64_t weights) const { return weights < span ? 0 : (weights - span) / stride + 1; }
};

/// Calls f with the order as a compile-time constant, std::integral_constant<int, order>.
template <class F>
void with_order(int64_t order, F&& f) {
    [&]<int... n>(std::integer_sequence<int, n...>) {
        ((order == n + 1 ? f(std::integral_constant<int, n + 1>{}) : void()), ...);
    }
    (std::make_integer_sequence<int, max_order>{});
}

/// What each corner adds to the key of the lowest corner. Bit i of a corner's number says which of its two levels
/// member i is at; a key is the tuple's symbols as digits to the base of the number of levels, member 0 first.
template <int n>
std::array<uint64_t, 1 << n> corner_keys(int64_t levels) {
    std::array<uint64_t, 1 << n> keys{};
    uint64_t                     place = 1;
    for (int member = n - 1; member >= 0; --member) {
        for (size_t corner = 0; corner < keys.size(); ++corner) {
            keys[corner] += (corner >> member & 1) * place;
        }
        place *= static_cast<uint64_t>(levels);
    }
    return keys;
}

template <int n>
HEMP_INLINE uint64_t lowest_key(const int32_t* interval, int64_t levels) {
    uint64_t key = 0;
    for (int member = 0; member < n; ++member) {
        key = key * static_cast<uint64_t>(levels) + static_cast<uint64_t>(interval[member]);
    }
    return key;
}

/// Divides one tuple among its corners. Each split rounds one part and gives the rest to the other, so that the parts
/// add up exactly; so do the corners of n members to those of the first n-1, which the conditional entropy relies on.
template <int n>
HEMP_INLINE void split_tuple(const float* share, uint32_t* counts) {
    counts[0] = static_cast<uint32_t>(one_tuple);
    for (int member = 0; member < n; ++member) {
        uint64_t upper = static_cast<uint32_t>(share[member] * 0x1p30f);
        for (int corner = 0; corner < 1 << member; ++corner) {
            uint32_t part                  = static_cast<uint32_t>((counts[corner] * upper) >> 30);
            counts[corner + (1 << member)] = part;
            counts[corner] -= part;
        }
    }
}

/// A table with a cell for every possible tuple, in the order of the keys.
struct DenseTable {
    int64_t* counts;

    void    add(uint64_t key, int64_t count) { counts[key] += count; }
    int64_t slot(uint64_t key) const { return static_cast<int64_t>(key); }
};

/// A table of the tuples that occur: open addressing with linear probing. A row is (key + 1, count), 0 in an unused
/// one; the last row belongs to the key 2^64 - 1 (256 levels, order 8), whose successor is 0. Any number of threads may
/// add at the same time: which row a key gets depends on them, its count does not, so nobody may depend on the row.
struct HashTable {
    int64_t* rows;
    int64_t  capacity;  ///< a power of two, greater than the number of keys

    void add(uint64_t key, int64_t count) {
        int64_t row = find_or(
            [&](std::atomic_ref<int64_t> unused, int64_t wanted) {
                int64_t seen = 0;
                return unused.compare_exchange_strong(seen, wanted, std::memory_order_relaxed) || seen == wanted;
            },
            key);
        std::atomic_ref(rows[2 * row + 1]).fetch_add(count, std::memory_order_relaxed);
    }

    /// The key's row, or an unused one.
    int64_t slot(uint64_t key) const {
        return find_or([](std::atomic_ref<int64_t>, int64_t) { return true; }, key);
    }

 private:
    // The row that holds the key, or the first unused one on its way that `take` accepts.
    template <class Take>
    int64_t find_or(Take&& take, uint64_t key) const {
        if (key == ~uint64_t{0}) {
            return capacity;
        }
        int64_t wanted = static_cast<int64_t>(key + 1);
        // Fibonacci hashing: the top bits of the product depend on all bits of the key.
        int64_t row = static_cast<int64_t>((key * 0x9E3779B97F4A7C15u) >> 1 >>
                                           (63 - std::countr_zero(static_cast<uint64_t>(capacity))));
        for (;; row = (row + 1) & (capacity - 1)) {
            std::atomic_ref<int64_t> place(rows[2 * row]);
            int64_t                  seen = place.load(std::memory_order_relaxed);
            if (seen == wanted || (seen == 0 && take(place, wanted))) {
                return row;
            }
        }
    }
};

/// How the counts of one table are kept, known from shapes alone.
struct TableLayout {
    static constexpr int64_t largest_dense = int64_t{1} << 20;

    bool    dense;
    int64_t slots;  ///< cells of a dense table, rows of a hash table

    /// Dense as long as a cell for every possible tuple is little memory, or no more than the corners there are.
    static TableLayout of(int64_t levels, int64_t order, int64_t tuples) {
        double  cells   = 1;
        int64_t corners = tuples << order;
        for (int64_t i = 0; i < order; ++i) {
            cells *= static_cast<double>(levels);
        }
        if (cells <= static_cast<double>(std::max(largest_dense, corners))) {
            return {true, static_cast<int64_t>(cells)};
        }
        return {false, static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(corners + corners / 2))) + 1};
    }
    /// That of a table that is there.
    static TableLayout of(const Tensor& table) { return {table.shape().rank() == 1, table.shape()[0]}; }

    Type   type() const { return {dense ? Shape{slots} : Shape{slots, 2}, DType::i64}; }
    size_t bytes() const { return static_cast<size_t>(slots) * (dense ? 8 : 16); }

    /// Calls f with the table that lies at `memory`.
    template <class F>
    void with(const void* memory, F&& f) const {
        int64_t* values = static_cast<int64_t*>(const_cast<void*>(memory));
        if (dense) {
            f(DenseTable{values});
        } else {
            f(HashTable{values, slots - 1});
        }
    }
    int64_t count(const void* memory, int64_t slot) const {
        const int64_t* values = static_cast<const int64_t*>(memory);
        return dense ? values[slot] : values[2 * slot + 1];
    }
    uint64_t key(const void* memory, int64_t slot) const {
        return dense ? static_cast<uint64_t>(slot)
                     : static_cast<uint64_t>(static_cast<const int64_t*>(memory)[2 * slot]) - 1;
    }
    /// 0 where the table has no such key: an unused row of another table leads to one that is impossible.
    int64_t count_of(const void* memory, uint64_t key) const {
        if (dense && key >= static_cast<uint64_t>(slots)) {
            return 0;
        }
        int64_t found = 0;
        with(memory, [&](auto table) { found = count(memory, table.slot(key)); });
        return found;
    }
};

}  // namespace hemp
