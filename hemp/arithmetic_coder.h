#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hemp {

/// Binary arithmetic code (docs/format.md, 5.1): the interval [low, low + range) shrinks with each bit in proportion to
/// its probability; bytes leave as soon as they are settled but for a carry.
class ArithmeticEncoder {
 public:
    /// Codes `bit`, of which the model says that it is 1 with probability p / 65536, 1 <= p <= 65535.
    void code(int bit, uint32_t p) {
        uint32_t bound = static_cast<uint32_t>(uint64_t{range_} * p >> 16);
        if (bit) {
            range_ = bound;
        } else {
            low_ += bound;
            range_ -= bound;
        }
        while (range_ < (1u << 24)) {
            shift();
        }
    }

    /// Bytes written so far; the decoder has made as many shifts at the same place.
    size_t bytes() const { return bytes_.size(); }

    /// The whole code, as short as its last interval allows, without zeros at its end.
    std::vector<std::byte> finish();

 private:
    void shift();
    void carry();

    uint64_t               low_   = 0;  // below 2^33: bit 32 is a carry into the bytes already written
    uint32_t               range_ = ~uint32_t{0};
    std::vector<std::byte> bytes_;
};

/// Reads what ArithmeticEncoder wrote. Past the end it reads zeros, so it never fails; the caller's checks tell.
class ArithmeticDecoder {
 public:
    explicit ArithmeticDecoder(std::span<const std::byte> bytes) : bytes_(bytes) {
        for (int i = 0; i < 4; ++i) {
            code_ = code_ << 8 | next();
        }
    }

    int decode(uint32_t p) {
        uint32_t bound = static_cast<uint32_t>(uint64_t{range_} * p >> 16);
        int      bit   = code_ < bound;
        if (bit) {
            range_ = bound;
        } else {
            code_ -= bound;
            range_ -= bound;
        }
        while (range_ < (1u << 24)) {
            range_ <<= 8;
            code_ = code_ << 8 | next();
        }
        return bit;
    }

    /// Shifts so far: the encoder's bytes() at the same place.
    size_t shifts() const { return position_ - 4; }

 private:
    uint32_t next() {
        size_t at = position_++;
        return at < bytes_.size() ? static_cast<uint32_t>(bytes_[at]) : 0;
    }

    std::span<const std::byte> bytes_;
    size_t                     position_ = 0;
    uint32_t                   code_     = 0;
    uint32_t                   range_    = ~uint32_t{0};
};

}  // namespace hemp
