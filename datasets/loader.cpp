#include "datasets/loader.h"

#include "datasets/shuffle.h"

#include <algorithm>
#include <cstring>

namespace hemp {
namespace {

/// Random numbers for one purpose ("shuf", "shif") in one epoch.
Random random_of(uint64_t seed, uint32_t purpose, int64_t epoch) {
    return Random(seed, static_cast<uint64_t>(purpose) << 32 | static_cast<uint32_t>(epoch));
}

constexpr uint32_t shuffling = 0x73687566;
constexpr uint32_t shifting  = 0x73686966;

/// Copies one channel, moved by (dx, dy); what comes in is zero.
void copy_shifted(const uint8_t* from, uint8_t* to, int64_t height, int64_t width, int64_t dx, int64_t dy) {
    int64_t first = std::max<int64_t>(dx, 0);
    auto    kept  = static_cast<size_t>(width - std::abs(dx));
    std::memset(to, 0, static_cast<size_t>(height * width));
    for (int64_t y = std::max<int64_t>(dy, 0); y < height + std::min<int64_t>(dy, 0); ++y) {
        std::memcpy(to + y * width + first, from + (y - dy) * width + first - dx, kept);
    }
}

}  // namespace

Loader::Loader(const Dataset& dataset, const LoaderOptions& options) : dataset_(dataset), options_(options) {
    const Shape& shape = dataset.images.shape();
    if (dataset.size() == 0) {
        fail<UsageError>("{}: has no images; choose another data set", dataset.name);
    }
    if (options.batch < 1) {
        fail<UsageError>("--batch {}: a batch needs at least one image", options.batch);
    }
    if (options.shift < 0 || options.shift >= std::min(shape[2], shape[3])) {
        fail<UsageError>("a shift by {} pixels does not fit images of {} x {}", options.shift, shape[2], shape[3]);
    }
    if (options.drop_last && options.batch > dataset.size()) {
        fail<UsageError>("--batch {}: {} has only {} images; choose a smaller batch", options.batch, dataset.name,
                         dataset.size());
    }
    int64_t rest = options.drop_last ? 0 : options.batch - 1;
    steps_       = (dataset.size() + rest) / options.batch;
}

Loader::~Loader() { stop(); }

void Loader::stop() {
    if (thread_.joinable()) {
        {
            std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
}

void Loader::start_epoch(int64_t epoch, int64_t first_step) {
    stop();
    is_ready_ = false;
    at_end_   = false;
    stopping_ = false;
    error_    = nullptr;
    thread_   = std::thread([this, epoch, first_step] {
        std::exception_ptr error;
        try {
            make_all(epoch, first_step);
        } catch (...) {
            error = std::current_exception();
        }
        std::lock_guard lock(mutex_);
        error_  = error;
        at_end_ = true;
        changed_.notify_all();
    });
}

bool Loader::next(Batch& batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_ready_ || at_end_; });
    if (is_ready_) {
        std::swap(batch, ready_);
        is_ready_ = false;
        changed_.notify_all();
        return true;
    }
    if (error_) {
        std::rethrow_exception(error_);
    }
    return false;
}

/// Runs in the thread.
void Loader::make_all(int64_t epoch, int64_t first_step) {
    std::vector<int64_t> order(static_cast<size_t>(dataset_.size()));
    std::iota(order.begin(), order.end(), 0);
    if (options_.shuffle) {
        order = shuffled(dataset_.size(), random_of(options_.seed, shuffling, epoch));
    }
    Batch batch;
    for (int64_t step = first_step; step < steps_; ++step) {
        int64_t begin = step * options_.batch;
        int64_t count = std::min(options_.batch, dataset_.size() - begin);
        make(batch, std::span(order).subspan(static_cast<size_t>(begin), static_cast<size_t>(count)), epoch);

        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !is_ready_ || stopping_; });
        if (stopping_) {
            return;
        }
        std::swap(batch, ready_);
        is_ready_ = true;
        changed_.notify_all();
    }
}

void Loader::make(Batch& batch, std::span<const int64_t> indices, int64_t epoch) const {
    const Shape& from = dataset_.images.shape();
    Type         images({{options_.batch, from[1], from[2], from[3]}, DType::u8});
    bool         all_rows = static_cast<int64_t>(indices.size()) == options_.batch;
    if (batch.images.type() != images || !all_rows) {
        batch.images = Array(images);
        batch.labels = Array({{options_.batch}, DType::i32});
    }
    batch.count = static_cast<int64_t>(indices.size());

    Random  random = random_of(options_.seed, shifting, epoch);
    auto    range  = static_cast<uint32_t>(2 * options_.shift + 1);
    int64_t plane  = from[2] * from[3];
    int64_t bytes  = from[1] * plane;
    for (size_t row = 0; row < indices.size(); ++row) {
        int64_t        index  = indices[row];
        const uint8_t* source = dataset_.images.values<uint8_t>().data() + index * bytes;
        uint8_t*       target = batch.images.values<uint8_t>().data() + static_cast<int64_t>(row) * bytes;
        if (options_.shift == 0) {
            std::memcpy(target, source, static_cast<size_t>(bytes));
        } else {
            int64_t dx = int64_t{random.below(range, 2 * static_cast<uint64_t>(index))} - options_.shift;
            int64_t dy = int64_t{random.below(range, 2 * static_cast<uint64_t>(index) + 1)} - options_.shift;
            for (int64_t channel = 0; channel < from[1]; ++channel) {
                copy_shifted(source + channel * plane, target + channel * plane, from[2], from[3], dx, dy);
            }
        }
        batch.labels.values<int32_t>()[row] = dataset_.labels.values<int32_t>()[static_cast<size_t>(index)];
    }
}

}  // namespace hemp
