#include "cli/progress.h"

#include "cli/output.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace hemp {
namespace {

bool is_terminal() {
    const char* kind = std::getenv("TERM");
    return isatty(STDERR_FILENO) == 1 && kind != nullptr && std::strcmp(kind, "dumb") != 0;
}

std::string duration(double seconds) {
    auto s = static_cast<int64_t>(seconds + 0.5);
    if (s < 60) {
        return fmt::format("{} s", s);
    }
    return s < 3600 ? fmt::format("{}:{:02} min", s / 60, s % 60) : fmt::format("{}:{:02} h", s / 3600, s / 60 % 60);
}

}  // namespace

Progress::Progress(bool quiet, int64_t epochs, int64_t steps_per_epoch, int64_t batch, int64_t weights,
                   int64_t more_rounds)
    : quiet_(quiet),
      live_(!quiet && is_terminal()),
      epochs_(epochs),
      epochs_a_round_(epochs),
      steps_(steps_per_epoch),
      batch_(batch),
      weights_(weights),
      more_rounds_(more_rounds),
      start_(Clock::now()) {}

Progress::~Progress() {
    if (live_) {
        tell("\r\033[K");
    }
}

void Progress::step(int64_t epoch, int64_t step, double loss, double bits) {
    ++done_;
    behind_  = epoch * steps_ + step;
    auto now = Clock::now();
    if (done_ == 1) {
        warm_ = now;
    }
    // Other programs may have held up the first few.
    if (!estimated_ && done_ > 5 && now > warm_ + std::chrono::seconds(2)) {
        estimated_ = true;
        if (double seconds_left = this->seconds_left(); seconds_left > 30) {
            double      further = static_cast<double>(more_rounds_ * epochs_a_round_ * steps_) * seconds_a_step();
            std::string more    = more_rounds_ == 0 ? ""
                                                    : fmt::format(", with {} further rounds, which it may need, {}",
                                                                  more_rounds_, duration(seconds_left + further));
            line(fmt::format("this will take about {}{}", duration(seconds_left), more));
        }
    }
    if (!live_ || now - shown_ < std::chrono::milliseconds(100)) {
        return;
    }
    shown_ = now;
    std::string size;
    if (bits > 0) {
        size = fmt::format("  {:.3f} bits/weight  ~{:.1f} kB", bits, bits * static_cast<double>(weights_) / 8e3);
    }
    tell(fmt::format("\r\033[Kepoch {}/{}  {:3}%  loss {:.4f}{}  {:.0f} images/s  {}", epoch + 1, epochs_,
                     100 * step / std::max<int64_t>(steps_, 1), loss, size, images_per_second(), left()));
}

// The first step also plans and touches its memory for the first time: with large networks as long as several others.
double Progress::seconds_a_step() const {
    double seconds = done_ > 1 ? std::chrono::duration<double>(Clock::now() - warm_).count() : this->seconds();
    return seconds / static_cast<double>(std::max<int64_t>(done_ - 1, 1));
}

double Progress::seconds_left() const { return static_cast<double>(epochs_ * steps_ - behind_) * seconds_a_step(); }

std::string Progress::left() const { return duration(seconds_left()) + " left"; }

void Progress::line(const std::string& text) {
    if (!quiet_) {
        tell((live_ ? "\r\033[K" : "") + text + "\n");
    }
}

double Progress::images_per_second() const { return static_cast<double>(done_ * batch_) / std::max(seconds(), 1e-9); }

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

}  // namespace hemp
