#pragma once

#include "core/random.h"

namespace hemp {

/// Random numbers for one purpose in one epoch.
inline Random random_of(uint64_t seed, uint32_t purpose, int64_t epoch) {
    return Random(seed, static_cast<uint64_t>(purpose) << 32 | static_cast<uint32_t>(epoch));
}

/// Whose random numbers are meant: those of an image of the data set (or of a step) in an epoch.
struct Place {
    uint64_t seed  = 0;
    int64_t  epoch = 0;
    int64_t  index = 0;
};

/// Random numbers for one purpose at one place, one after another. They depend on the place alone, so that neither
/// threads nor an interrupted run can change them.
class Draw {
 public:
    /// `most` is how many numbers one place may draw.
    Draw(const Place& place, uint32_t purpose, uint64_t most)
        : random_(random_of(place.seed, purpose, place.epoch)), next_(static_cast<uint64_t>(place.index) * most) {}

    /// In [0, bound); 1 <= bound < 2^32.
    int64_t below(int64_t bound) { return random_.below(static_cast<uint32_t>(bound), next_++); }

    /// In [low, high).
    double between(double low, double high) { return low + (high - low) * double{random_.uniform(next_++)}; }

 private:
    Random   random_;
    uint64_t next_;
};

}  // namespace hemp
