#include "hemp/arrange.h"

#include "hemp/similar_order.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>

namespace hemp {
namespace {

/// The symbol of zero, where the tensor has one.
std::optional<int32_t> zero_of(const QuantizedTensor& tensor) {
    if (tensor.levels.empty()) {
        return 0;
    }
    auto zero = std::ranges::find(tensor.levels, 0.0f);
    return zero == tensor.levels.end() ? std::nullopt
                                       : std::optional(static_cast<int32_t>(zero - tensor.levels.begin()));
}

/// How many symbols of each unit are not `zero`: of the rows of a matrix, or of its blocks of columns.
std::vector<int64_t> count_nonzero(const QuantizedTensor& tensor, int64_t count, bool columns) {
    std::optional<int32_t> zero = zero_of(tensor);
    std::vector<int64_t>   found(static_cast<size_t>(count));
    int64_t                size  = tensor.shape.size();
    int64_t                row   = size / tensor.shape[0];
    int64_t                block = columns ? row / count : row;
    for (int64_t i = 0; i < size; ++i) {
        int64_t unit = columns ? i % row / block : i / block;
        found[static_cast<size_t>(unit)] += !zero || tensor.symbols[static_cast<size_t>(i)] != *zero;
    }
    return found;
}

/// A unit's row, or its block of columns in each of `rows` rows.
void empty_unit(QuantizedTensor& tensor, size_t unit, int64_t count, int64_t rows) {
    if (std::optional<int32_t> zero = zero_of(tensor)) {
        int64_t size = tensor.shape.size() / rows / count;
        for (int64_t row = 0; row < rows; ++row) {
            std::fill_n(tensor.symbols.begin() + (row * count + static_cast<int64_t>(unit)) * size, size, *zero);
        }
    }
}

/// Takes away the weights that read units which are always zero.
void empty_readers_of_silent_units(HempFile& file, const HiddenUnits& units) {
    std::vector<int64_t> sources = count_nonzero(file.tensors[units.producer], units.count, false);
    for (size_t k : units.shifts) {
        std::vector<int64_t> more = count_nonzero(file.tensors[k], units.count, false);
        std::ranges::transform(sources, more, sources.begin(), std::plus());
    }
    QuantizedTensor& consumer = file.tensors[units.consumer];
    for (size_t u = 0; u < sources.size(); ++u) {
        if (sources[u] == 0) {
            empty_unit(consumer, u, units.count, consumer.shape[0]);
        }
    }
}

/// Where a unit's weights are, in its row or in what reads it.
std::vector<Marks> marks_of(const QuantizedTensor& tensor, int64_t count, bool columns) {
    int32_t            zero  = zero_symbol(tensor.levels);
    int64_t            size  = tensor.shape.size();
    int64_t            row   = size / tensor.shape[0];
    int64_t            block = columns ? row / count : row;
    std::vector<Marks> marks(static_cast<size_t>(count), Marks(static_cast<size_t>(size / count)));
    for (int64_t i = 0; i < size; ++i) {
        int64_t unit  = columns ? i % row / block : i / block;
        int64_t place = columns ? i / row * block + i % block : i % block;
        if (int32_t symbol = tensor.symbols[static_cast<size_t>(i)]; symbol != zero) {
            marks[static_cast<size_t>(unit)].add(static_cast<size_t>(place), symbol > zero);
        }
    }
    return marks;
}

/// Live units in a good order, then those without a weight.
std::vector<size_t> order_of(const std::vector<Marks>& rows, const std::vector<Marks>& readers) {
    std::vector<size_t> order(rows.size());
    std::iota(order.begin(), order.end(), size_t{0});
    auto has_weights = [&](size_t unit) { return rows[unit].count + readers[unit].count > 0; };
    auto dead        = std::stable_partition(order.begin(), order.end(), has_weights);  // clang 14 knows no subranges
    std::ranges::copy(similar_order({&rows, &readers}, {order.begin(), dead}), order.begin());
    return order;
}

/// The same network without what only dead units need.
HempFile emptied(HempFile file, const std::vector<HiddenUnits>& units) {
    for (const HiddenUnits& each : units) {
        if (each.silent) {
            empty_readers_of_silent_units(file, each);
        }
    }
    for (auto each = units.rbegin(); each != units.rend(); ++each) {  // emptied readers leave more units unread
        std::vector<int64_t> readers = count_nonzero(file.tensors[each->consumer], each->count, true);
        for (size_t u = 0; u < readers.size(); ++u) {
            if (readers[u] == 0) {
                empty_unit(file.tensors[each->producer], u, each->count, 1);
                for (size_t k : each->companions) {
                    empty_unit(file.tensors[k], u, each->count, 1);
                }
            }
        }
    }
    return file;
}

/// Of a file without dead units.
std::vector<std::vector<size_t>> orders_of(const HempFile& file, const std::vector<HiddenUnits>& units) {
    std::vector<std::vector<size_t>> orders;
    for (const HiddenUnits& each : units) {
        orders.push_back(order_of(marks_of(file.tensors[each.producer], each.count, false),
                                  marks_of(file.tensors[each.consumer], each.count, true)));
    }
    return orders;
}

}  // namespace

HempFile arranged(const HempFile& file, const std::vector<HiddenUnits>& units) {
    HempFile              result   = emptied(file, units);
    std::vector<Standing> standing = standing_of(units, orders_of(result, units), result.tensors.size());
    for (size_t i = 0; i < result.tensors.size(); ++i) {
        QuantizedTensor& tensor = result.tensors[i];
        rearrange(std::span(tensor.symbols), tensor.shape, standing[i]);
        tensor = canonical(std::move(tensor));
    }
    return result;
}

std::vector<std::vector<size_t>> unit_orders(const HempFile& file, const std::vector<HiddenUnits>& units) {
    return orders_of(emptied(file, units), units);
}

std::vector<std::byte> encode_smaller(HempFile& file, const std::vector<HiddenUnits>& units, const Registry& registry) {
    HempFile               other       = arranged(file, units);
    std::vector<std::byte> bytes       = encode(file, registry);
    std::vector<std::byte> other_bytes = encode(other, registry);
    if (bytes.size() <= other_bytes.size()) {
        return bytes;
    }
    file = std::move(other);
    return other_bytes;
}

}  // namespace hemp
