#pragma once
// Ctrl-C and a request to end: the first lets the work finish its step and save, the second ends at once.

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace hemp {

/// Thrown when the work has been saved; main() turns it into exit code 128 + signal.
class Interrupted : public std::runtime_error {
 public:
    Interrupted(int number, const std::string& message) : std::runtime_error(message), signal(number) {}

    int signal;
};

/// From now on SIGINT and SIGTERM are noted instead of ending the program.
void watch_signals();

/// The signal that came, or 0.
int signal_received();

/// While one lives, a second signal runs `act` before the program ends; on a thread of its own, for a signal handler
/// may do next to nothing. Whatever `act` breaks for other threads is never seen: the destructor does not return then.
class LastAct {
 public:
    explicit LastAct(std::function<void()> act);
    LastAct(const LastAct&)            = delete;
    LastAct& operator=(const LastAct&) = delete;
    ~LastAct();

 private:
    int         ends_[2];  // of a pipe: read, written
    std::thread thread_;
};

}  // namespace hemp
