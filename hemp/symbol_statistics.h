#pragma once
// What can be said of integers without coding them.

#include "hemp/quantized.h"

#include <cstdint>
#include <span>

namespace hemp {

struct JointEntropy {
    double  bits     = 0;  ///< a symbol
    int64_t tuples   = 0;
    int64_t distinct = 0;  ///< different tuples

    /// With more than a tenth as many different tuples as tuples it is too low by itself.
    bool is_sampled() const { return tuples > 0 && 10 * distinct <= tuples; }
};

/// Symbols beyond it count as it.
constexpr int32_t most_magnitude = 32767;

/// The joint entropy of `order` (1 to 4) neighbours, H_n / n, over tuples that do not overlap. Symbols beyond +-32767
/// count as those.
JointEntropy joint_entropy(std::span<const int32_t> symbols, int order);

/// Bytes of a tensor before an entropy coder.
struct PlainSizes {
    uint64_t floats    = 0;  ///< 4 a weight
    uint64_t pruned    = 0;  ///< a bit a weight, 4 bytes for each that is not zero; or `floats`
    uint64_t quantized = 0;  ///< the same with numbers of as few bits as the integers' range needs; or such for all.
                             ///< And 4 bytes for the step, or for each level
    int64_t zeros = 0;       ///< weights that are zero
};

PlainSizes plain_sizes(const QuantizedTensor& tensor);

}  // namespace hemp
