#pragma once
// Batches of a data set, made ahead by threads of their own.

#include "datasets/augment/augmentation.h"
#include "datasets/dataset.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace hemp {

struct LoaderOptions {
    int64_t              batch     = 100;  ///< images
    int64_t              height    = 0;    ///< of the batch's images, pixels; 0: as the data set has them
    int64_t              width     = 0;
    uint64_t             seed      = 0;
    bool                 shuffle   = true;
    Augmentation         augment   = {};
    std::vector<uint8_t> hidden    = {};     ///< colour of what an augmentation hides, for each channel; empty: black
    double               mixup     = 0;      ///< alpha of mixup_share; 0: no mixing
    bool                 drop_last = false;  ///< leave out what does not fill a batch at the end of an epoch
    int                  threads   = 1;      ///< that make batches; they change no bit of them
};

/// The last batch of an epoch may have fewer images; the rows from `count` on are then zero, with label 0.
struct Batch {
    Array   images;  ///< u8 [batch, C, H, W]
    Array   labels;  ///< i32 [batch]
    int64_t count = 0;

    // Where images are mixed, else empty and 1.
    Array other_labels;  ///< i32 [batch], of the image that is mixed into each
    float share = 1;     ///< of each image's own pixels
};

/// Order, augmentation and mixing depend on (seed, epoch, index) alone: a run that is resumed at (epoch, step) sees the
/// same batches, with any number of threads. Images of another size than the batch's are cut and resampled as in
/// evaluation_box, unless the augmentation cuts them. The data set must outlive the loader.
class Loader {
 public:
    /// Throws UsageError if batch size, augmentation or mixing make no sense for the data set.
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
    struct Slot {
        Batch              batch;
        std::exception_ptr error;
        bool               ready = false;
    };

    void stop();
    void work(int64_t epoch);
    void make(Batch& batch, int64_t epoch, int64_t step) const;

    Slot& slot_of(int64_t step) { return slots_[static_cast<size_t>(step) % slots_.size()]; }

    const Dataset&       dataset_;
    LoaderOptions        options_;
    int64_t              steps_;
    std::vector<int64_t> order_;  // of the epoch

    // Shared with the threads, under the mutex.
    std::mutex              mutex_;
    std::condition_variable changed_;
    std::vector<Slot>       slots_;         // a step's batch waits in the slot of its number
    int64_t                 taken_    = 0;  // the step that next() gives
    int64_t                 begun_    = 0;  // the step that a thread makes next
    int64_t                 end_      = 0;
    bool                    stopping_ = false;

    std::vector<std::thread> threads_;
};

}  // namespace hemp
