#include "cli/interrupt.h"

#include "core/error.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace hemp {
namespace {

volatile std::sig_atomic_t received = 0;
volatile std::sig_atomic_t told     = -1;  // the pipe of the LastAct that lives

void note(int signal) {
    if (received == 0) {
        received = signal;
        return;
    }
    auto number = static_cast<unsigned char>(signal);
    int  error  = errno;
    if (told < 0 || ::write(told, &number, 1) != 1) {
        _exit(128 + signal);
    }
    errno = error;
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

LastAct::LastAct(std::function<void()> act) {
    if (::pipe2(ends_, O_CLOEXEC) != 0) {
        fail("pipe: cannot be made: {}; close some files", std::strerror(errno));
    }
    thread_ = std::thread([act = std::move(act), end = ends_[0]] {
        unsigned char signal = 0;
        if (::read(end, &signal, 1) == 1) {
            act();
            _exit(128 + signal);
        }
    });
    told    = ends_[1];
}

LastAct::~LastAct() {
    told = -1;
    ::close(ends_[1]);  // so that the thread reads the end, unless a signal came before
    thread_.join();
    ::close(ends_[0]);
}

}  // namespace hemp
