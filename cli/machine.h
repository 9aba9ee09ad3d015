#pragma once

#include <cstddef>
#include <string>

namespace hemp {

/// The processor's name as the system gives it.
std::string processor();

/// The most memory that this process has held so far, in bytes.
size_t peak_memory();

/// The memory that it holds now, in bytes.
size_t held_memory();

/// From here on peak_memory() counts anew, where the system allows it.
void reset_peak_memory();

/// What this machine can do at most, measured.
struct Roofline {
    double flops = 0;  ///< a second, in a large matrix product
    double bytes = 0;  ///< a second, between memory and processor
};
Roofline measure_roofline();

}  // namespace hemp
