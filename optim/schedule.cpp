#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hemp {
namespace {

/// From `from` at 0 to `to` at 1 along half a cosine.
double cosine_between(double from, double to, double share) {
    return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(share, 0.0, 1.0)));
}

}  // namespace

float Schedule::rate(int64_t step) const {
    double at    = static_cast<double>(step);
    double total = static_cast<double>(std::max<int64_t>(steps, 1));
    if (kind == Kind::one_cycle) {
        // Smith and Topin, "Super-convergence", 2018, with cosine flanks: peak/25 up to the peak, down to peak/250,000.
        double rise = warmup_steps > 0 ? static_cast<double>(warmup_steps) : 0.3 * total;
        return static_cast<float>(at < rise
                                      ? cosine_between(peak / 25.0, peak, at / rise)
                                      : cosine_between(peak, peak / 2.5e5, (at - rise) / std::max(total - rise, 1.0)));
    }
    if (step < warmup_steps) {
        return static_cast<float>(peak * (at + 1) / static_cast<double>(warmup_steps));
    }
    switch (kind) {
        case Kind::step: return static_cast<float>(peak * std::pow(factor, static_cast<double>(step / every)));
        case Kind::cosine: {
            double rest = total - static_cast<double>(warmup_steps);
            return static_cast<float>(
                cosine_between(peak, 0, (at - static_cast<double>(warmup_steps)) / std::max(rest, 1.0)));
        }
        default: return peak;
    }
}

}  // namespace hemp
