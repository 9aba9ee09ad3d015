#include "core/random.h"

#include <cmath>
#include <numbers>

namespace hemp {

float Random::normal(uint64_t index) const {
    std::array<uint32_t, 4> words  = block(index);
    double                  radius = std::sqrt(-2 * std::log((words[0] + 0.5) * 0x1p-32));
    return static_cast<float>(radius * std::cos(2 * std::numbers::pi * words[1] * 0x1p-32));
}

}  // namespace hemp
