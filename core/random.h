#pragma once

#include <array>
#include <cstdint>

namespace hemp {

/// Random numbers as a function of (seed, what for, index): no state, so neither threads nor an interrupted run can
/// change them. Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011).
class Random {
 public:
    /// `stream` says what the numbers are for: independent streams of one seed share no numbers.
    constexpr Random(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}

    /// Four independent 32-bit words; the `index`-th block of the stream.
    constexpr std::array<uint32_t, 4> block(uint64_t index) const {
        std::array<uint32_t, 4> c{static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
                                  static_cast<uint32_t>(stream_), static_cast<uint32_t>(stream_ >> 32)};
        uint32_t                k0 = static_cast<uint32_t>(seed_);
        uint32_t                k1 = static_cast<uint32_t>(seed_ >> 32);
        for (int round = 0; round < 10; ++round) {
            uint64_t p0 = uint64_t{0xD2511F53} * c[0];
            uint64_t p1 = uint64_t{0xCD9E8D57} * c[2];
            c           = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
                           static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        return c;
    }

    constexpr uint32_t bits(uint64_t index) const { return block(index / 4)[index % 4]; }

    /// In [0, 1), a multiple of 2^-24.
    constexpr float uniform(uint64_t index) const { return static_cast<float>(bits(index) >> 8) * 0x1p-24f; }

    /// In [0, bound); bound >= 1. The bias of the multiplication method is below bound / 2^32.
    constexpr uint32_t below(uint32_t bound, uint64_t index) const {
        return static_cast<uint32_t>((uint64_t{bits(index)} * bound) >> 32);
    }

    /// Standard normal (Box-Muller).
    float normal(uint64_t index) const;

 private:
    uint64_t seed_;
    uint64_t stream_;
};

}  // namespace hemp
