#include "hemp/symbol_statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace hemp {
namespace {

constexpr uint64_t most_counters = uint64_t{1} << 22;

double power(uint64_t base, int exponent) { return std::pow(static_cast<double>(base), exponent); }

/// Bits of an entropy, from how often each of its events occurred among `total`.
class EntropySum {
 public:
    explicit EntropySum(size_t total) : total_(static_cast<double>(total)) {}

    void add(uint64_t count) {
        if (count > 0) {
            double share = static_cast<double>(count) / total_;
            bits_ -= share * std::log2(share);
            ++distinct_;
        }
    }
    double  bits() const { return bits_; }
    int64_t distinct() const { return distinct_; }

 private:
    double  total_;
    double  bits_     = 0;
    int64_t distinct_ = 0;
};

/// Bits that tell `different` things apart.
uint64_t width(uint64_t different) { return different > 1 ? std::bit_width(different - 1) : 0; }

}  // namespace

JointEntropy joint_entropy(std::span<const int32_t> symbols, int order) {
    auto   n      = static_cast<size_t>(order);
    size_t tuples = symbols.size() / n;
    if (tuples == 0) {
        return {};
    }
    auto bounded           = [](int32_t symbol) { return std::clamp(symbol, -most_magnitude, most_magnitude); };
    auto [lowest, highest] = std::ranges::minmax(symbols);
    auto     low           = bounded(lowest);
    uint64_t range         = static_cast<uint64_t>(bounded(highest) - low) + 1;
    auto     key           = [&](size_t tuple) {
        uint64_t result = 0;
        for (size_t i = 0; i < n; ++i) {
            result = result * range + static_cast<uint64_t>(bounded(symbols[tuple * n + i]) - low);
        }
        return result;
    };
    EntropySum sum(tuples);
    if (power(range, order) <= static_cast<double>(most_counters)) {
        std::vector<uint64_t> counts(static_cast<size_t>(power(range, order)));
        for (size_t tuple = 0; tuple < tuples; ++tuple) {
            ++counts[key(tuple)];
        }
        std::ranges::for_each(counts, [&](uint64_t count) { sum.add(count); });
    } else {
        std::vector<uint64_t> keys;
        for (size_t tuple = 0; tuple < tuples; ++tuple) {
            keys.push_back(key(tuple));
        }
        std::ranges::sort(keys);
        for (auto from = keys.begin(); from != keys.end();) {
            auto to = std::upper_bound(from, keys.end(), *from);
            sum.add(static_cast<uint64_t>(to - from));
            from = to;
        }
    }
    return {.bits = sum.bits() / order, .tuples = static_cast<int64_t>(tuples), .distinct = sum.distinct()};
}

PlainSizes plain_sizes(const QuantizedTensor& tensor) {
    auto is_zero = [&](int32_t symbol) {
        return tensor.levels.empty() ? symbol == 0 : tensor.levels[static_cast<size_t>(symbol)] == 0;
    };
    PlainSizes sizes;
    for (int32_t symbol : tensor.symbols) {
        sizes.zeros += is_zero(symbol) ? 1 : 0;
    }
    auto [low, high] = std::ranges::minmax(tensor.symbols);
    uint64_t all     = tensor.symbols.size();
    uint64_t nonzero = all - static_cast<uint64_t>(sizes.zeros);
    uint64_t range   = static_cast<uint64_t>(int64_t{high} - low) + 1;
    uint64_t side    = 4 * std::max<size_t>(tensor.levels.size(), 1);
    auto     bytes   = [](uint64_t bits) { return (bits + 7) / 8; };
    sizes.floats     = 4 * all;
    sizes.pruned     = std::min(sizes.floats, bytes(all + 32 * nonzero));
    sizes.quantized  = side + std::min(bytes(all * width(range)), bytes(all + nonzero * width(range - 1)));
    return sizes;
}

}  // namespace hemp
