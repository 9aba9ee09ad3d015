#pragma once
// Predicts one bit from several contexts: each context's adaptive probability is taken to the logistic domain, the sum
// with learned weights taken back and refined by an adaptive curve. "Mix in the logistic domain and learn by the coding
// error" is from Mahoney, "Adaptive weighing of context models for lossless data compression", 2005. Integers only, so
// that every machine predicts the same: docs/format.md, 5.2 to 5.4.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hemp {

/// squash is the logistic function in units of 1/256, to 16 bits; stretch its inverse.
class LogisticTables {
 public:
    static constexpr int top = 3071;

    LogisticTables();

    int squash(int x) const { return squash_[static_cast<size_t>(x + top)]; }
    int stretch(uint32_t p) const { return stretch_[p]; }

 private:
    std::array<uint16_t, 2 * top + 1> squash_{};
    std::array<int16_t, 65536>        stretch_{};
};

const LogisticTables& logistic_tables();

/// How far an average moves towards its n-th sample: 65536 / (n + 1.5).
inline constexpr std::array<uint16_t, 1024> rates = [] {
    std::array<uint16_t, 1024> table{};
    for (uint32_t n = 0; n < table.size(); ++n) {
        table[n] = static_cast<uint16_t>(131072 / (2 * n + 3));
    }
    return table;
}();

/// An adaptive probability: 22 bits of it above a count of 10 bits, which sets the pace: 1/n at first, 1/limit at last.
class Slot {
 public:
    explicit Slot(uint32_t q = 1u << 21, uint32_t count = 0) : bits_(q << 10 | count) {}

    uint32_t p() const { return bits_ >> 16; }  ///< in 16 bits
    uint32_t count() const { return bits_ & 1023; }

    void see(int bit, uint32_t limit) { see(bit, limit, count()); }
    void see(int bit, uint32_t limit, uint32_t pace) {
        int64_t q    = bits_ >> 10;
        int64_t goal = bit ? 4194303 : 0;
        q += (goal - q) * rates[pace] >> 16;
        bits_ = static_cast<uint32_t>(q) << 10 | std::min(count() + 1, limit);
    }
    void forget(uint32_t most) { bits_ = (bits_ & ~uint32_t{1023}) | std::min(count(), most); }

    static constexpr uint32_t limit = 1000;

 private:
    uint32_t bits_;
};

/// The tables of `contexts` contexts for bits of `kinds` kinds.
class Mixer {
 public:
    static constexpr size_t kinds     = 16;
    static constexpr size_t contexts  = 11;
    static constexpr size_t selectors = 20;
    using Context                     = std::array<uint32_t, contexts>;

    /// `sizes`: how many values each context takes.
    explicit Mixer(std::array<size_t, contexts> sizes);

    /// Makes the slots of one context fresh and gives it `size` values.
    void renew(size_t context, size_t size);

    /// Lets the next tensor change quickly what this one taught.
    void forget();

    /// Codes a bit of kind `kind` by the first `used` contexts: `bits(bit, p)` gets the probability and returns the
    /// bit. What is learned is bits.taught(bit), which may be another bit, or nothing.
    template <size_t used, class Bits>
    int code(Bits& bits, int bit, size_t kind, const Context& context, size_t selector) {
        std::array<Slot*, used>   slots;
        std::array<int32_t, used> inputs;
        Weights&                  common   = common_[kind];
        Weights&                  selected = selected_[selector * kinds + kind];
        int64_t                   sum1     = 0;
        int64_t                   sum2     = 0;
        for (size_t i = 0; i < used; ++i) {
            slots[i]  = &slots_[i][context[i] * kinds + kind];
            inputs[i] = tables_.stretch(slots[i]->p());
            sum1 += int64_t{inputs[i]} * common[i];
            sum2 += int64_t{inputs[i]} * selected[i];
        }
        int   x1    = clamped(sum1 >> 16);
        int   x2    = clamped(sum2 >> 16);
        int   x     = (x1 + x2) >> 1;
        int   at    = x + LogisticTables::top + 1;
        int   right = at % step;
        Slot* curve = &curves_[kind][static_cast<size_t>(at / step)];

        uint32_t refined =
            (curve[0].p() * static_cast<uint32_t>(step - right) + curve[1].p() * static_cast<uint32_t>(right)) / step;
        uint32_t p = std::clamp((static_cast<uint32_t>(tables_.squash(x)) + refined) / 2, 1u, 65535u);

        bit                       = bits(bit, p);
        std::optional<int> taught = bits.taught(bit);
        if (!taught) {
            return bit;
        }
        int32_t error1 = ((*taught << 16) - tables_.squash(x1)) * 3;
        int32_t error2 = ((*taught << 16) - tables_.squash(x2)) * 3;
        for (size_t i = 0; i < used; ++i) {
            common[i] += (inputs[i] * error1 + (1 << 17)) >> 18;
            selected[i] += (inputs[i] * error2 + (1 << 17)) >> 18;
            slots[i]->see(*taught, Slot::limit);
        }
        Slot& nearest = curve[2 * right >= step];
        nearest.see(*taught, 255, std::max(nearest.count(), 6u));
        return bit;
    }

 private:
    using Weights             = std::array<int32_t, contexts>;  // 65536 stands for 1
    static constexpr int step = 192;                            // between the points of a curve

    static int clamped(int64_t x) {
        return static_cast<int>(std::clamp<int64_t>(x, -LogisticTables::top, LogisticTables::top));
    }

    const LogisticTables&                   tables_ = logistic_tables();
    std::array<std::vector<Slot>, contexts> slots_;
    std::array<Weights, kinds>              common_;
    std::array<Weights, selectors * kinds>  selected_;
    std::array<std::array<Slot, 33>, kinds> curves_;
};

}  // namespace hemp
