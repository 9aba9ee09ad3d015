#pragma once

#include "core/shape.h"
#include "hemp/arithmetic_coder.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace hemp {

class WeightModel;

constexpr int64_t most_symbol = int64_t{1} << 30;  ///< in magnitude

/// Codes the integers of one tensor after another into one code (docs/format.md, section 5). What it learns on one
/// tensor helps with the next, so the order of the tensors counts.
class WeightEncoder {
 public:
    WeightEncoder();
    WeightEncoder& operator=(WeightEncoder&&) noexcept;
    ~WeightEncoder();

    /// `symbols` in row-major order, shape.size() of them, each within +-most_symbol; small ones are cheap, 0 most of
    /// all.
    void add(const Shape& shape, std::span<const int32_t> symbols);

    /// Bytes so far, but for up to four that are not settled.
    size_t bytes() const { return encoder_.bytes(); }

    std::vector<std::byte> finish() { return encoder_.finish(); }

 private:
    std::unique_ptr<WeightModel> model_;
    ArithmeticEncoder            encoder_;
};

/// What symbols cost a WeightEncoder, and what other symbols would: tensor by tensor in the same order. A file in parts
/// takes a little more, since each part learns anew.
class WeightPrices {
 public:
    WeightPrices();
    ~WeightPrices();

    /// Each of `symbols` is that of `lower` or one more; `rises` gets what lower[i] + 1 takes more bits than lower[i],
    /// all other symbols being what they are. Returns the bits of the tensor, as it is coded when its symbols are
    /// mixed.
    double add(const Shape& shape, std::span<const int32_t> symbols, std::span<const int32_t> lower,
               std::span<float> rises);

 private:
    std::unique_ptr<WeightModel> model_;
};

/// Reads what WeightEncoder wrote, tensor by tensor in the same order.
class WeightDecoder {
 public:
    /// Bytes of memory that coder and model take at most, besides the symbols.
    static constexpr uint64_t memory = uint64_t{1} << 24;

    explicit WeightDecoder(std::span<const std::byte> code);
    ~WeightDecoder();

    /// Fills `symbols`; false when the code holds an integer that no encoder writes.
    [[nodiscard]] bool read(const Shape& shape, std::span<int32_t> symbols);

    /// The encoder's bytes() at the same place.
    size_t shifts() const { return decoder_.shifts(); }

 private:
    std::unique_ptr<WeightModel> model_;
    ArithmeticDecoder            decoder_;
};

}  // namespace hemp
