#pragma once
// Which coefficient of the entropy meets a target: found by rounds of training.

namespace hemp {

/// Each round goes on from the network of the last one that asked for too little, at first from the one to compress;
/// what came of a round that asked for too much is left, and the next one asks for half. Before any did, coefficients
/// double. Files shrink, and accuracy falls, with the coefficient and with every epoch: near the target the same
/// coefficient takes the next step.
class Search {
 public:
    explicit Search(double first) : coefficient_(first) {}

    double coefficient() const { return coefficient_; }  ///< of the round that runs

    /// The round that ran asked for too little, or for too much.
    void next(bool too_small);

    /// Some round asked for too little: the next one goes on from it.
    bool goes_on() const { return asked_too_little_; }

    /// What a resumed search goes on with.
    struct State {
        double coefficient      = 0;
        bool   asked_too_little = false, asked_too_much = false;  ///< some round did
    };
    State state() const { return {coefficient_, asked_too_little_, asked_too_much_}; }
    void  restore(const State& state);

 private:
    double coefficient_;
    bool   asked_too_little_ = false, asked_too_much_ = false;
};

}  // namespace hemp
