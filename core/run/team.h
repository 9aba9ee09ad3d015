#pragma once
// The threads that run a program together: one OpenMP region a run, a barrier between steps.

#include <atomic>
#include <functional>

namespace hemp {

/// Threads that a program gets unless told: OMP_NUM_THREADS, or the cores that this process may use.
int default_threads();

/// Sets the default; 0 restores it.
void use_threads(int threads);

/// Lets a fixed number of threads wait for each other. They spin, since steps take microseconds, but give the core away
/// when there are fewer cores than threads.
class Barrier {
 public:
    explicit Barrier(int threads) : threads_(threads) {}
    void wait();

 private:
    int              threads_;
    std::atomic<int> waiting_{0};
    std::atomic<int> round_{0};
};

/// Runs body(thread) on `threads` threads, 0 being the caller's, and returns when all have ended.
void run_team(int threads, const std::function<void(int thread)>& body);

}  // namespace hemp
