#pragma once
// Ctrl-C and a request to end: the first lets the work finish its step and save, the second ends at once.

#include <stdexcept>

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

}  // namespace hemp
