#pragma once
// Batches of a data set, made ahead by a thread of its own.

#include "datasets/dataset.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace hemp {

struct LoaderOptions {
    int64_t  batch     = 100;  ///< images
    uint64_t seed      = 0;
    bool     shuffle   = true;
    int      shift     = 0;      ///< each image moves by up to that many pixels each way; zeros come in
    bool     drop_last = false;  ///< leave out what does not fill a batch at the end of an epoch
};

/// The last batch of an epoch may have fewer images; the rows from `count` on are then zero, with label 0.
struct Batch {
    Array   images;  ///< u8 [batch, C, H, W]
    Array   labels;  ///< i32 [batch]
    int64_t count = 0;
};

/// Order and shifts depend on (seed, epoch, index) alone: a run that is resumed at (epoch, step) sees the same batches.
/// The data set must outlive the loader.
class Loader {
 public:
    /// Throws UsageError if the batch size or the shift makes no sense for the data set.
    Loader(const Dataset& dataset, const LoaderOptions& options);
    Loader(const Loader&)            = delete;
    Loader& operator=(const Loader&) = delete;
    ~Loader();

    int64_t steps_per_epoch() const { return steps_; }

    /// What next() gives from now on: the batches of that epoch from `first_step` (from 0) on.
    void start_epoch(int64_t epoch, int64_t first_step = 0);

    /// The next batch; false at the end of the epoch. Memory of the old `batch` is used again.
    ///   throws    what went wrong while the batch was made
    bool next(Batch& batch);

 private:
    void stop();
    void make_all(int64_t epoch, int64_t first_step);
    void make(Batch& batch, std::span<const int64_t> indices, int64_t epoch) const;

    const Dataset& dataset_;
    LoaderOptions  options_;
    int64_t        steps_;

    // Shared with the thread, under the mutex.
    std::mutex              mutex_;
    std::condition_variable changed_;
    Batch                   ready_;
    bool                    is_ready_ = false;
    bool                    at_end_   = true;
    bool                    stopping_ = false;
    std::exception_ptr      error_;

    std::thread thread_;
};

}  // namespace hemp
