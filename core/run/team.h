#pragma once
// The threads that run a program together: one OpenMP region a run, a barrier between steps.

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

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

/// Deals the pieces of a stage out. Each thread gets its own share first, the same part of the pieces at every stage:
/// it finds in its cache what it wrote a step before. Then it takes what others have not begun, for a core may be
/// slower than its neighbour, or be taken away for a while.
class Shares {
 public:
    explicit Shares(int threads) : shares_(static_cast<size_t>(threads)) {}

    /// Every thread does this before any takes a piece, and once all have taken those dealt before.
    void deal(int thread, int64_t pieces);

    /// The number of a piece that nobody had, or -1 when there is none left.
    int64_t take(int thread);

 private:
    struct alignas(64) Share {  // a line of the cache each
        std::atomic<int64_t> next{0};
        int64_t              end = 0;
    };
    std::vector<Share> shares_;
};

/// Runs body(thread) on `threads` threads, 0 being the caller's, and returns when all have ended.
void run_team(int threads, const std::function<void(int thread)>& body);

}  // namespace hemp
