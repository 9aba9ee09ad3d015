#pragma once
// Which coefficient of the entropy meets a target: found by rounds of training.

namespace hemp {

/// Doubles or halves the coefficient until one round asked for too little and another for too much, then takes the
/// geometric mean of the nearest two: files shrink, and accuracy falls, as the coefficient grows.
class Search {
 public:
    explicit Search(double first) : coefficient_(first) {}

    double coefficient() const { return coefficient_; }  ///< of the round that runs

    /// The round that ran asked for too little, or for too much. False when another would tell little more.
    bool next(bool too_small);

    /// What a resumed search goes on with.
    struct State {
        double coefficient = 0;
        double too_small   = 0;  ///< the largest that asked for too little; 0: none did
        double too_large   = 0;  ///< the smallest that asked for too much; 0: none did
    };
    State state() const { return {coefficient_, too_small_, too_large_}; }
    void  restore(const State& state);

 private:
    double coefficient_;
    double too_small_ = 0, too_large_ = 0;
};

}  // namespace hemp
