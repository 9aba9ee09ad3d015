#pragma once
// Which coefficient of the entropy meets a target: found by rounds of training, each from what the one before left.

#include <cstdint>

namespace hemp {

/// Doubles or halves the coefficient until one round asked for too little and another for too much, then takes the
/// geometric mean of the nearest two: files shrink, and accuracy falls, as the coefficient grows.
class Search {
 public:
    explicit Search(double first) : coefficient_(first) {}

    double coefficient() const { return coefficient_; }  ///< of the round that runs

    /// The largest that asked for too little, which the next round goes on from; 0 while there is none.
    double too_small() const { return too_small_; }

    /// The round that ran asked for too little, or for too much. False when another would tell little more.
    bool next(bool too_small);

    /// What a resumed search goes on with.
    struct State {
        double coefficient = 0, too_small = 0, too_large = 0;
    };
    State state() const { return {coefficient_, too_small_, too_large_}; }
    void  restore(const State& state);

 private:
    double coefficient_;
    double too_small_ = 0;
    double too_large_ = 0;  ///< the smallest that asked for too much; 0: none did
};

}  // namespace hemp
