#include "core/run/team.h"

#include <omp.h>

#include <thread>

namespace hemp {
namespace {

std::atomic<int> chosen_threads{0};

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

}  // namespace

int default_threads() {
    int chosen = chosen_threads.load();
    return chosen > 0 ? chosen : omp_get_max_threads();
}

void use_threads(int threads) { chosen_threads.store(threads); }

void Barrier::wait() {
    int round = round_.load(std::memory_order_relaxed);
    if (waiting_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
        waiting_.store(0, std::memory_order_relaxed);
        round_.store(round + 1, std::memory_order_release);
        return;
    }
    for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins) {
        if (spins < 2000) {
            pause();
        } else {
            std::this_thread::yield();
        }
    }
}

void Shares::deal(int thread, int64_t pieces) {
    auto   threads = static_cast<int64_t>(shares_.size());
    Share& share   = shares_[static_cast<size_t>(thread)];
    share.next.store(pieces * thread / threads, std::memory_order_relaxed);
    share.end = pieces * (thread + 1) / threads;
}

int64_t Shares::take(int thread) {
    for (size_t i = 0; i < shares_.size(); ++i) {
        Share& share = shares_[(static_cast<size_t>(thread) + i) % shares_.size()];
        if (share.next.load(std::memory_order_relaxed) < share.end) {
            int64_t piece = share.next.fetch_add(1, std::memory_order_relaxed);
            if (piece < share.end) {
                return piece;
            }
        }
    }
    return -1;
}

void run_team(int threads, const std::function<void(int thread)>& body) {
    if (threads == 1) {
        body(0);
        return;
    }
#pragma omp parallel num_threads(threads)
    body(omp_get_thread_num());
}

}  // namespace hemp
