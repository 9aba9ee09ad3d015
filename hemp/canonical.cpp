#include "hemp/header.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hemp {
namespace {

uint32_t bits_of(float value) { return std::bit_cast<uint32_t>(value); }

bool same_bits(float a, float b) { return bits_of(a) == bits_of(b); }

void drop_unused_levels(QuantizedTensor& tensor) {
    std::vector<int32_t> renamed(tensor.levels.size(), -1);
    for (int32_t symbol : tensor.symbols) {
        renamed[static_cast<size_t>(symbol)] = 0;
    }
    std::vector<float> used;
    for (size_t i = 0; i < renamed.size(); ++i) {
        if (renamed[i] == 0) {
            renamed[i] = static_cast<int32_t>(used.size());
            used.push_back(tensor.levels[i]);
        }
    }
    for (int32_t& symbol : tensor.symbols) {
        symbol = renamed[static_cast<size_t>(symbol)];
    }
    tensor.levels = std::move(used);
}

/// k[i] with k[i] * step == levels[i] to the bit; empty where there are none.
std::vector<int64_t> multiples_of(float step, std::span<const float> levels) {
    std::vector<int64_t> factors;
    for (float level : levels) {
        double factor = std::round(static_cast<double>(level) / static_cast<double>(step));
        if (!(std::abs(factor) <= static_cast<double>(most_factor)) ||
            !same_bits(static_cast<float>(static_cast<int64_t>(factor)) * step, level)) {
            return {};
        }
        factors.push_back(static_cast<int64_t>(factor));
    }
    return factors;
}

/// Multiples of a step that the levels themselves suggest: the smallest of them, or the smallest distance.
std::vector<int64_t> find_multiples(std::span<const float> levels, float& step) {
    float smallest = INFINITY;
    float distance = INFINITY;
    for (size_t i = 0; i < levels.size(); ++i) {
        if (levels[i] != 0) {
            smallest = std::min(smallest, std::abs(levels[i]));
        }
        if (i > 0) {
            distance = std::min(distance, levels[i] - levels[i - 1]);
        }
    }
    for (float candidate : {smallest, distance}) {
        if (std::isfinite(candidate) && candidate > 0) {
            if (std::vector<int64_t> factors = multiples_of(candidate, levels); !factors.empty()) {
                step = candidate;
                return factors;
            }
        }
    }
    return {};
}

/// 0 where the distances differ or there are none.
int64_t regular_gap(const std::vector<int64_t>& factors) {
    if (factors.size() < 2) {
        return 0;
    }
    int64_t gap = factors[1] - factors[0];
    for (size_t i = 2; i < factors.size(); ++i) {
        if (factors[i] - factors[i - 1] != gap) {
            return 0;
        }
    }
    return gap;
}

bool all_zero(const std::vector<int32_t>& symbols) {
    return std::all_of(symbols.begin(), symbols.end(), [](int32_t symbol) { return symbol == 0; });
}

bool is_symmetric(std::span<const float> levels) {
    size_t count = levels.size();
    for (size_t i = 0; i < count / 2; ++i) {
        if (!(levels[count - 1 - i] > 0) || !same_bits(-levels[i], levels[count - 1 - i])) {
            return false;
        }
    }
    return count >= 2 && (count % 2 == 0 || bits_of(levels[count / 2]) == 0);
}

}  // namespace

QuantizedTensor canonical(QuantizedTensor tensor) {
    if (!tensor.levels.empty()) {
        drop_unused_levels(tensor);
        float                step    = 1;
        std::vector<int64_t> factors = find_multiples(tensor.levels, step);
        bool                 zero    = tensor.levels.size() == 1 && bits_of(tensor.levels[0]) == 0;
        // Far multiples (powers of two, say) would cost more as large symbols than the levels do.
        int64_t most   = 2 * static_cast<int64_t>(tensor.levels.size());
        bool    near   = !factors.empty() && factors.front() >= -most && factors.back() <= most;
        bool    spread = factors.size() > 2 && regular_gap(factors) > 1;
        if (zero) {
            tensor.levels.clear();
        } else if (near && !spread) {
            for (int32_t& symbol : tensor.symbols) {
                symbol = static_cast<int32_t>(factors[static_cast<size_t>(symbol)]);
            }
            tensor.levels.clear();
        }
        tensor.step = step;
    }
    if (!tensor.levels.empty() || all_zero(tensor.symbols)) {
        tensor.step = 1;
    }
    return tensor;
}

QuantizerEntry quantizer_entry(const QuantizedTensor& tensor) {
    QuantizerEntry entry;
    entry.levels = tensor.levels;
    if (tensor.levels.empty()) {
        entry.kind = all_zero(tensor.symbols) ? QuantizerKind::zeros : QuantizerKind::uniform;
        entry.step = tensor.step;
        return entry;
    }
    std::vector<int64_t> factors = find_multiples(tensor.levels, entry.step);
    if (int64_t gap = regular_gap(factors); gap > 0) {
        entry.kind  = QuantizerKind::progression;
        entry.first = factors[0];
        entry.gap   = gap;
        return entry;
    }
    entry.kind = is_symmetric(tensor.levels) ? QuantizerKind::symmetric : QuantizerKind::levels;
    return entry;
}

}  // namespace hemp
