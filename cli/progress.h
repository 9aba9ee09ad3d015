#pragma once
// Progress of a training run on standard error: one live line on a terminal, a line an epoch elsewhere.

#include <chrono>
#include <cstdint>
#include <string>

namespace hemp {

class Progress {
 public:
    /// `more_rounds` of as many epochs may follow.
    Progress(bool quiet, int64_t epochs, int64_t steps_per_epoch, int64_t batch, int64_t weights,
             int64_t more_rounds = 0);
    ~Progress();

    /// After a step: `epoch` and `step` count from 0, `bits` is 0 without a regularizer. Some steps later it says
    /// how long a run of more than half a minute will take.
    void step(int64_t epoch, int64_t step, double loss, double bits);

    /// The run goes on to this epoch, and so many rounds may follow.
    void expect(int64_t epochs, int64_t more_rounds) {
        epochs_      = epochs;
        more_rounds_ = more_rounds;
    }

    /// "2:03 min left", as the steps of this process went.
    std::string left() const;

    /// A line that stays.
    void line(const std::string& text);

    double images_per_second() const;
    double seconds() const;  ///< since the run began

 private:
    double seconds_a_step() const;
    double seconds_left() const;

    using Clock = std::chrono::steady_clock;

    bool              quiet_, live_;
    int64_t           epochs_, epochs_a_round_, steps_, batch_, weights_, more_rounds_;
    bool              estimated_ = false;
    int64_t           done_      = 0;         ///< steps of this process
    int64_t           behind_    = 0;         ///< steps of the run
    Clock::time_point start_, warm_, shown_;  ///< warm: after the first step
};

}  // namespace hemp
