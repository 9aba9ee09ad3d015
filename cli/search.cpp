#include "cli/search.h"

namespace hemp {

void Search::next(bool too_small) {
    (too_small ? asked_too_little_ : asked_too_much_) = true;
    if (!too_small) {
        coefficient_ /= 2;
    } else if (!asked_too_much_) {
        coefficient_ *= 2;
    }
}

void Search::restore(const State& state) {
    coefficient_      = state.coefficient;
    asked_too_little_ = state.asked_too_little;
    asked_too_much_   = state.asked_too_much;
}

}  // namespace hemp
