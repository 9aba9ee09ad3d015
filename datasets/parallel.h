#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hemp {

/// Calls body(0), ..., body(count - 1), in that order but side by side on several threads.
///   throws    what the call of the lowest number throws that throws anything; calls after it may be left out
inline void for_each_in_parallel(int64_t count, int threads, const std::function<void(int64_t)>& body) {
    // A number is taken after all lower ones, so that the lowest failure is always among those seen.
    std::atomic<int64_t> next   = 0;
    int64_t              failed = count;
    std::exception_ptr   error;
    std::mutex           mutex;
    auto                 work = [&] {
        for (int64_t i = next++; i < count; i = next++) {
            try {
                body(i);
            } catch (...) {
                std::lock_guard lock(mutex);
                if (i < failed) {
                    failed = i;
                    error  = std::current_exception();
                }
                next = count;
            }
        }
    };
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) {
        others.emplace_back(work);
    }
    work();
    others.clear();
    if (error) {
        std::rethrow_exception(error);
    }
}

}  // namespace hemp
