#pragma once

#include <cstdint>

namespace hemp {

/// The learning rate of each step, a function of the step alone; it goes into the program as an input.
struct Schedule {
    enum class Kind : uint8_t { constant, step, cosine, one_cycle };

    Kind    kind         = Kind::constant;
    float   peak         = 0.1f;  ///< the highest rate
    int64_t steps        = 1;     ///< of the whole run
    int64_t warmup_steps = 0;     ///< the rate rises linearly from 0 first (one_cycle: 30 % of the steps unless given)
    float   factor       = 0.1f;  ///< `step` multiplies by it ...
    int64_t every        = 1;     ///< ... each time so many steps have passed

    float rate(int64_t step) const;
};

}  // namespace hemp
