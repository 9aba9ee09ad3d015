#include "datasets/loader.h"

#include "datasets/augment/mixup.h"
#include "datasets/shuffle.h"

#include <algorithm>
#include <cstring>

namespace hemp {

Loader::Loader(const Dataset& dataset, const LoaderOptions& options) : dataset_(dataset), options_(options) {
    const Shape& shape = dataset.images.shape();
    options_.height    = options.height > 0 ? options.height : shape[2];
    options_.width     = options.width > 0 ? options.width : shape[3];
    options_.hidden.resize(static_cast<size_t>(shape[1]));
    int64_t shorter = std::min(options_.height, options_.width);
    if (dataset.size() == 0) {
        fail<UsageError>("{}: has no images; choose another data set", dataset.name);
    }
    if (options.batch < 1) {
        fail<UsageError>("--batch {}: a batch needs at least one image", options.batch);
    }
    if (options.threads < 1) {
        fail<UsageError>("{} threads cannot make batches; use at least one", options.threads);
    }
    if (options.augment.crop < 0 || options.augment.crop >= shorter) {
        fail<UsageError>("augmentation crop={}: does not fit images of {} x {}; use fewer pixels", options.augment.crop,
                         options_.height, options_.width);
    }
    if (options.augment.cutout < 0 || options.augment.cutout > shorter) {
        fail<UsageError>("augmentation cutout={}: does not fit images of {} x {}; use fewer pixels",
                         options.augment.cutout, options_.height, options_.width);
    }
    if (!(options.mixup >= 0 && options.mixup <= 1)) {
        fail<UsageError>("--mixup {}: must be from 0, for none, to 1", options.mixup);
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
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
    stopping_ = false;
}

void Loader::start_epoch(int64_t epoch, int64_t first_step) {
    stop();
    if (options_.shuffle) {
        constexpr uint32_t shuffling = 0x73687566;  // "shuf"
        order_                       = shuffled(dataset_.size(), random_of(options_.seed, shuffling, epoch));
    } else {
        order_.resize(static_cast<size_t>(dataset_.size()));
        std::iota(order_.begin(), order_.end(), 0);
    }
    taken_ = begun_ = first_step;
    end_            = steps_;
    // One batch more than threads: they have work while the caller looks at none.
    slots_.resize(static_cast<size_t>(options_.threads) + 1);
    for (Slot& slot : slots_) {
        slot.ready = false;
        slot.error = nullptr;
    }
    for (int i = 0; i < options_.threads; ++i) {
        threads_.emplace_back([this, epoch] { work(epoch); });
    }
}

bool Loader::next(Batch& batch) {
    std::unique_lock lock(mutex_);
    if (taken_ >= end_) {
        return false;
    }
    Slot& slot = slot_of(taken_);
    changed_.wait(lock, [&] { return slot.ready; });
    if (slot.error) {
        std::rethrow_exception(slot.error);
    }
    std::swap(batch, slot.batch);
    slot.ready = false;
    ++taken_;
    changed_.notify_all();
    return true;
}

/// Runs in each thread.
void Loader::work(int64_t epoch) {
    std::unique_lock lock(mutex_);
    while (true) {
        auto has_room = [this] { return begun_ < taken_ + static_cast<int64_t>(slots_.size()); };
        changed_.wait(lock, [&] { return stopping_ || begun_ >= end_ || has_room(); });
        if (stopping_ || begun_ >= end_) {
            return;
        }
        int64_t step = begun_++;
        Slot&   slot = slot_of(step);
        lock.unlock();
        try {
            make(slot.batch, epoch, step);
        } catch (...) {
            slot.error = std::current_exception();
        }
        lock.lock();
        slot.ready = true;
        changed_.notify_all();
    }
}

void Loader::make(Batch& batch, int64_t epoch, int64_t step) const {
    int64_t begin    = step * options_.batch;
    int64_t channels = dataset_.images.shape()[1];
    Type    images({{options_.batch, channels, options_.height, options_.width}, DType::u8});
    batch.count   = std::min(options_.batch, dataset_.size() - begin);
    bool all_rows = batch.count == options_.batch;
    if (batch.images.type() != images || !all_rows) {
        batch.images = Array(images);
        batch.labels = Array({{options_.batch}, DType::i32});
    }
    std::span<int32_t> labels = batch.labels.values<int32_t>();
    uint8_t*           pixels = batch.images.values<uint8_t>().data();
    int64_t            bytes  = channels * options_.height * options_.width;
    for (int64_t row = 0; row < batch.count; ++row) {
        int64_t index = order_[static_cast<size_t>(begin + row)];
        augment(options_.augment, dataset_.images[index],
                {pixels + row * bytes, channels, options_.height, options_.width}, options_.hidden,
                {.seed = options_.seed, .epoch = epoch, .index = index});
        labels[static_cast<size_t>(row)] = dataset_.labels.values<int32_t>()[static_cast<size_t>(index)];
    }
    if (options_.mixup > 0) {
        int kept = mixup_share(options_.mixup, {.seed = options_.seed, .epoch = epoch, .index = step});
        mix_rows({pixels, static_cast<size_t>(batch.count * bytes)}, batch.count, kept);
        batch.other_labels = batch.labels;
        std::reverse_copy(labels.begin(), labels.begin() + batch.count, batch.other_labels.values<int32_t>().begin());
        batch.share = static_cast<float>(kept) / 256;
    }
}

}  // namespace hemp
