#include "cli/interrupt.h"

#include <unistd.h>
#include <csignal>

namespace hemp {
namespace {

volatile std::sig_atomic_t received = 0;

void note(int signal) {
    if (received != 0) {
        _exit(128 + signal);
    }
    received = signal;
}

}  // namespace

void watch_signals() {
    struct sigaction action = {};
    action.sa_handler       = note;
    action.sa_flags         = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

int signal_received() { return received; }

}  // namespace hemp
