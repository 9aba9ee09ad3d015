#include "hemp/mixer.h"

namespace hemp {

LogisticTables::LogisticTables() {
    constexpr uint64_t one = uint64_t{1} << 32;
    uint64_t           e   = one;  // e^(-i / 256)
    for (int i = 0; i <= top; ++i) {
        uint64_t p = std::max<uint64_t>(1, (65536 * e + (one + e) / 2) / (one + e));

        squash_[static_cast<size_t>(top - i)] = static_cast<uint16_t>(p);
        squash_[static_cast<size_t>(top + i)] = static_cast<uint16_t>(65536 - p);

        e = e * 4278222805 >> 32;
    }
    int x = -top;
    for (size_t p = 0; p < stretch_.size(); ++p) {
        while (x < top && squash_[static_cast<size_t>(x + 1 + top)] <= p) {
            ++x;
        }
        stretch_[p] = static_cast<int16_t>(x);
    }
}

const LogisticTables& logistic_tables() {
    static const LogisticTables tables;
    return tables;
}

Mixer::Mixer(std::array<size_t, contexts> sizes) {
    for (size_t i = 0; i < contexts; ++i) {
        renew(i, sizes[i]);
    }
    constexpr int32_t weight = 7864;  // 0.12: the inputs mostly agree, so their weights add up to a little above 1
    for (Weights& weights : common_) {
        weights.fill(weight);
    }
    for (Weights& weights : selected_) {
        weights.fill(weight);
    }
    for (auto& curve : curves_) {
        for (int j = 0; j <= 32; ++j) {
            int x = std::clamp(step * j - LogisticTables::top - 1, -LogisticTables::top, LogisticTables::top);

            curve[static_cast<size_t>(j)] = Slot(64 * static_cast<uint32_t>(tables_.squash(x)));
        }
    }
}

void Mixer::renew(size_t context, size_t size) { slots_[context].assign(size * kinds, Slot()); }

void Mixer::forget() {
    for (auto& slots : slots_) {
        for (Slot& slot : slots) {
            slot.forget(16);
        }
    }
}

}  // namespace hemp
