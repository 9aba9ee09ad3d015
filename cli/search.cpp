#include "cli/search.h"

#include <cmath>

namespace hemp {

bool Search::next(bool too_small) {
    constexpr double near_enough          = 1.15;
    (too_small ? too_small_ : too_large_) = coefficient_;
    if (too_small_ > 0 && too_large_ > 0) {
        coefficient_ = std::sqrt(too_small_ * too_large_);
        return too_large_ > near_enough * too_small_;
    }
    coefficient_ *= too_small ? 2 : 0.5;
    return true;
}

void Search::restore(const State& state) {
    coefficient_ = state.coefficient;
    too_small_   = state.too_small;
    too_large_   = state.too_large;
}

}  // namespace hemp
