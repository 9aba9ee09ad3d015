#include "hemp/weight_coder.h"

#include "hemp/contexts.h"
#include "hemp/mixer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace hemp {
namespace {

// Kinds of mixed bits (docs/format.md, 5.5).
constexpr size_t nonzero  = 0;
constexpr size_t positive = 1;
constexpr size_t larger   = 2;  // than 1, 2, ... unary_bits
constexpr int    unary    = 4;
constexpr size_t escape   = larger + unary;

constexpr int     most_suffix     = 30;  // bits
constexpr int     modelled_suffix = 8;   // bits, the rest are as good as random
constexpr int64_t most_rows       = 65536;

constexpr uint32_t even_odds = 1 << 15;
constexpr uint32_t flat_odds = 64;  // 1 in 1024 tensors
constexpr int      most_flat = 16;  // bits a symbol

/// Everything learned on one class of tensors.
struct Learned {
    Mixer                                 mixer{Surroundings::sizes};
    std::array<std::array<Slot, 256>, 31> suffixes;

    Learned() {
        for (int length = 1; length <= most_suffix; ++length) {
            for (int before = 0; before < std::min(length, modelled_suffix); ++before) {
                // As if a uniform distribution over all suffixes had been seen a little.
                uint32_t count = std::min(1u << std::min(length - before - 1, 8), 255u);
                auto     first = suffixes[static_cast<size_t>(length)].begin() + (1 << before);
                std::fill_n(first, 1 << before, Slot(1u << 21, count));
            }
        }
    }
};

struct Writer {
    ArithmeticEncoder& encoder;

    int operator()(int bit, uint32_t p) {
        encoder.code(bit, p);
        return bit;
    }
    static std::optional<int> taught(int bit) { return bit; }
};

struct Reader {
    ArithmeticDecoder& decoder;

    int                       operator()(int, uint32_t p) { return decoder.decode(p); }
    static std::optional<int> taught(int bit) { return bit; }
};

/// -log2(p / 65536) for each p.
const std::vector<float>& costs() {
    static const std::vector<float> table = [] {
        std::vector<float> result;
        for (int p = 0; p <= 65536; ++p) {
            result.push_back(static_cast<float>(16 - std::log2(p)));
        }
        return result;
    }();
    return table;
}

/// Adds up what bits cost, and learns from them or not.
template <bool learns>
struct Scale {
    const std::vector<float>& table = costs();
    double                    cost  = 0;  ///< bits

    int operator()(int bit, uint32_t p) {
        cost += static_cast<double>(table[bit ? p : 65536 - p]);
        return bit;
    }
    static std::optional<int> taught(int bit) { return learns ? std::optional(bit) : std::nullopt; }
};

/// Goes along the bits of a symbol, and weighs the one whose bits are the same up to the fork, where its last one is
/// the contrary: the next one towards zero. Learns from either.
struct Fork {
    int                       fork;       ///< bits that both have
    bool                      takes_far;  ///< it is the farther symbol that is coded
    const std::vector<float>& table = costs();
    int                       place = 0;          ///< of the bit
    double                    far = 0, near = 0;  ///< bits from the fork on
    double                    cost = 0;           ///< bits of the symbol that is coded

    int operator()(int bit, uint32_t p) {
        auto one = static_cast<double>(table[p]), zero = static_cast<double>(table[65536 - p]);
        auto of_bit = bit ? one : zero, of_contrary = bit ? zero : one;
        far += place >= fork ? of_bit : 0;
        near += place == fork ? of_contrary : 0;
        cost += place < fork || takes_far ? of_bit : place == fork ? of_contrary : 0;
        return bit;
    }
    std::optional<int> taught(int bit) {
        int here = place++;
        return here < fork || takes_far ? std::optional(bit) : here == fork ? std::optional(1 - bit) : std::nullopt;
    }
};

/// The symbol `d`, which a Writer codes and a Reader, whatever `d` is, gives back; nothing when no encoder writes it.
template <class Bits>
std::optional<int32_t> code_symbol(Bits& bits, Learned& learned, Surroundings& surroundings, int32_t d) {
    Mixer::Context contexts = surroundings.magnitude_contexts();
    auto           mixed    = [&](int bit, size_t kind) {
        return learned.mixer.code<Mixer::contexts>(bits, bit, kind, contexts, surroundings.selector());
    };
    int64_t size = std::abs(d);
    if (!mixed(size > 0, nonzero)) {
        return 0;
    }
    int sign = learned.mixer.code<Surroundings::sign_count>(bits, d > 0, positive, surroundings.sign_contexts(), 0);
    contexts[0] += sign ? 2 : 1;  // levels need not be symmetric
    contexts[4] += sign ? 80 : 40;
    int m = 1;
    while (m <= unary && mixed(size > m, larger + static_cast<size_t>(m) - 1)) {
        ++m;
    }
    if (m <= unary) {
        return sign ? m : -m;
    }
    int64_t rest   = size - unary;
    int     length = 0;
    while (mixed(rest >> (length + 1) > 0, std::min(escape + static_cast<size_t>(length), Mixer::kinds - 1))) {
        if (++length > most_suffix) {
            return {};
        }
    }
    uint32_t prefix = 1;
    for (int i = length - 1; i >= 0; --i) {
        int bit = static_cast<int>(rest >> i & 1);
        if (prefix < (1 << modelled_suffix)) {
            Slot& slot = learned.suffixes[static_cast<size_t>(length)][prefix];
            bit        = bits(bit, std::max(slot.p(), 1u));
            if (bits.taught(bit)) {
                slot.see(bit, Slot::limit);
            }
        } else {
            bit = bits(bit, even_odds);
        }
        prefix = 2 * prefix + static_cast<uint32_t>(bit);
    }
    int64_t magnitude = int64_t{unary} + prefix;
    if (magnitude > most_symbol) {
        return {};
    }
    return static_cast<int32_t>(sign ? magnitude : -magnitude);
}

/// A tensor of which nothing can be learned (all symbols of a range as likely, or a constant): plain numbers of `width`
/// bits above `lowest`.
struct Flat {
    int     width  = 0;
    int64_t lowest = 0;

    int64_t above() const { return (int64_t{1} << width) - 1; }  // the greatest number
};

/// Nothing where a look at the counts says that the model does better.
std::optional<Flat> worth_trying(std::span<const int32_t> symbols) {
    auto [lowest, highest] = std::minmax_element(symbols.begin(), symbols.end());
    uint64_t range         = static_cast<uint64_t>(int64_t{*highest} - *lowest);
    Flat     flat{.width = static_cast<int>(std::bit_width(range))};
    if (flat.width > most_flat) {
        return {};
    }
    flat.lowest = std::min(int64_t{*lowest}, most_symbol - flat.above());
    std::vector<uint64_t> counts(size_t{1} << flat.width);
    for (int32_t symbol : symbols) {
        ++counts[static_cast<size_t>(symbol - flat.lowest)];
    }
    uint64_t most = *std::max_element(counts.begin(), counts.end());
    if (most * counts.size() > symbols.size() + symbols.size() / 2) {
        return {};
    }
    return flat;
}

template <class Bits>
uint64_t code_number(Bits& bits, uint64_t number, int width) {
    uint64_t result = 0;
    for (int i = width - 1; i >= 0; --i) {
        result = 2 * result + static_cast<uint64_t>(bits(static_cast<int>(number >> i & 1), even_odds));
    }
    return result;
}

/// How a tensor is coded: as the model says, or, after a bit that is rarely 1, by this number: flat with integers of so
/// many bits, or coarse with a shift of `way - most_flat`.
template <class Bits>
int code_way(Bits bits, int way) {
    return static_cast<int>(code_number(bits, static_cast<uint64_t>(way), 5));
}

/// Like WeightModel::code.
template <class Bits>
bool code_flat(Bits bits, Flat flat, std::span<int32_t> symbols) {
    auto first  = static_cast<uint64_t>(flat.lowest + most_symbol);
    flat.lowest = static_cast<int64_t>(code_number(bits, first, 32)) - most_symbol;
    if (flat.lowest + flat.above() > most_symbol) {
        return false;
    }
    for (int32_t& symbol : symbols) {
        uint64_t above = code_number(bits, static_cast<uint64_t>(symbol - flat.lowest), flat.width);
        symbol         = static_cast<int32_t>(flat.lowest + static_cast<int64_t>(above));
    }
    return true;
}

// A tensor of large integers is coded in two parts: the integers divided by 2^shift (rounded down), then what that left
// out. A wide distribution is so smooth at that scale that little can be learned of the low bits: without mixing them
// real weights decode up to twice as fast, and take about as many bytes.
constexpr int     most_shift  = 15;
constexpr int64_t coarse_mean = 4;  // of the magnitude, from which on

/// What to leave out so that a magnitude of 1 to 2 remains on average; 0 where all is to be mixed.
int shift_for(std::span<const int32_t> symbols) {
    uint64_t sum = 0;
    for (int32_t symbol : symbols) {
        sum += static_cast<uint64_t>(std::abs(int64_t{symbol}));
    }
    uint64_t mean = sum / std::max<size_t>(symbols.size(), 1);
    return mean < coarse_mean ? 0 : std::min(static_cast<int>(std::bit_width(mean)) - 1, most_shift);
}

/// Turns each of `highs` into the whole integer, that of `symbols` for a Writer; false when it is none that an encoder
/// writes.
template <class Bits>
bool code_low_bits(Bits bits, int shift, std::span<int32_t> highs, std::span<const int32_t> symbols) {
    constexpr int                       modelled = 2;
    std::array<std::array<Slot, 4>, 16> slots;
    for (size_t i = 0; i < highs.size(); ++i) {
        auto&   near  = slots[static_cast<size_t>(std::clamp(highs[i], -8, 7) + 8)];
        int64_t whole = highs[i];
        for (int k = shift - 1; k >= 0; --k) {
            int bit = symbols[i] >> k & 1;
            if (int before = shift - 1 - k; before < modelled) {
                Slot& slot = near[size_t{1} << before | (before > 0 ? static_cast<size_t>(whole & 1) : 0)];
                bit        = bits(bit, std::max(slot.p(), 1u));
                slot.see(bit, Slot::limit);
            } else {
                bit = bits(bit, even_odds);
            }
            whole = 2 * whole + bit;
        }
        if (std::abs(whole) > most_symbol) {
            return false;
        }
        highs[i] = static_cast<int32_t>(whole);
    }
    return true;
}

}  // namespace

class WeightModel {
 public:
    /// A Reader fills `symbols`; false when one is read that no encoder writes.
    template <class Bits>
    bool code(Bits bits, const Shape& shape, std::span<int32_t> symbols) {
        return walk(shape, symbols, [&](Learned& learned, Surroundings& surroundings, size_t, int32_t symbol) {
            return code_symbol(bits, learned, surroundings, symbol);
        });
    }

    /// `rises`: what lower[i] + 1 costs more than lower[i], in bits, either of which is symbols[i].
    double price(const Shape& shape, std::span<int32_t> symbols, std::span<const int32_t> lower,
                 std::span<float> rises) {
        double total = 0;
        walk(shape, symbols, [&](Learned& learned, Surroundings& surroundings, size_t i, int32_t symbol) {
            bool    grows = lower[i] >= 0;
            int32_t far   = grows ? lower[i] + 1 : lower[i];
            int     near  = std::abs(far) - 1;
            if (near <= unary) {
                Fork fork{.fork = near == 0 ? 0 : near + 1, .takes_far = symbol == far};
                code_symbol(fork, learned, surroundings, far);
                auto rise = static_cast<float>(fork.far - fork.near);
                rises[i]  = grows ? rise : -rise;
                total += fork.cost;
                return std::optional(symbol);
            }
            Scale<false> below, above;
            code_symbol(below, learned, surroundings, lower[i]);
            code_symbol(above, learned, surroundings, lower[i] + 1);
            rises[i] = static_cast<float>(above.cost - below.cost);
            Scale<true> all;
            code_symbol(all, learned, surroundings, symbol);
            total += all.cost;
            return std::optional(symbol);
        });
        return total;
    }

    /// A Writer takes the integers from `whole`; `symbols` may be the same memory for a Reader.
    template <class Bits>
    bool code_coarse(Bits bits, int shift, const Shape& shape, std::span<int32_t> symbols,
                     std::span<const int32_t> whole) {
        std::transform(whole.begin(), whole.end(), symbols.begin(), [&](int32_t each) { return each >> shift; });
        return code(bits, shape, symbols) && code_low_bits(bits, shift, symbols, whole);
    }

 private:
    /// Replaces each symbol by what `each` makes of it; false when that is nothing.
    template <class Each>
    bool walk(const Shape& shape, std::span<int32_t> symbols, Each&& each) {
        bool                    is_matrix = shape.rank() >= 2;
        std::optional<Learned>& set       = is_matrix ? matrices_ : others_;
        Learned&                learned   = set ? *set : set.emplace();
        Walk                    walk(shape, activities_);
        Surroundings            surroundings(walk, symbols, activities_);
        learned.mixer.renew(Surroundings::column_context, surroundings.columns());

        std::vector<uint32_t> activities;
        int32_t*              symbol = symbols.data();
        for (int64_t row = 0; row < walk.rows; ++row) {
            surroundings.start_row();
            for (int64_t column = 0; column < walk.columns; ++column) {
                auto                   i = static_cast<size_t>(symbol - symbols.data());
                std::optional<int32_t> d = each(learned, surroundings, i, *symbol);
                if (!d) {
                    return false;
                }
                *symbol++ = *d;
                surroundings.see(*d);
            }
            if (is_matrix && walk.rows <= most_rows) {
                activities.push_back(surroundings.row_activity());
            }
        }
        if (is_matrix) {
            activities_ = std::move(activities);
        }
        learned.mixer.forget();
        return true;
    }

    std::optional<Learned> matrices_;
    std::optional<Learned> others_;
    Activities             activities_;
};

WeightEncoder::WeightEncoder() : model_(std::make_unique<WeightModel>()) {}
WeightEncoder& WeightEncoder::operator=(WeightEncoder&&) noexcept = default;
WeightEncoder::~WeightEncoder()                                   = default;

void WeightEncoder::add(const Shape& shape, std::span<const int32_t> symbols) {
    std::vector<int32_t> copy(symbols.begin(), symbols.end());
    auto                 modelled_bytes = [&](auto code) {
        ArithmeticEncoder encoder;
        code(WeightModel(*model_), Writer{encoder});
        return encoder.bytes();
    };
    std::optional<Flat> flat  = worth_trying(symbols);
    int                 shift = shift_for(symbols);
    if (flat || shift > 0) {
        size_t mixed = modelled_bytes([&](WeightModel model, Writer writer) { model.code(writer, shape, copy); });
        if (flat) {
            ArithmeticEncoder plain;
            code_way(Writer{plain}, flat->width);
            code_flat(Writer{plain}, *flat, copy);
            if (plain.bytes() < mixed) {
                encoder_.code(1, flat_odds);
                code_way(Writer{encoder_}, flat->width);
                code_flat(Writer{encoder_}, *flat, copy);
                return;
            }
        }
        if (shift > 0) {
            size_t coarse = modelled_bytes(
                [&](WeightModel model, Writer writer) { model.code_coarse(writer, shift, shape, copy, symbols); });
            if (coarse <= mixed + mixed / 1000) {
                encoder_.code(1, flat_odds);
                code_way(Writer{encoder_}, most_flat + shift);
                std::copy(symbols.begin(), symbols.end(), copy.begin());
                model_->code_coarse(Writer{encoder_}, shift, shape, copy, symbols);
                return;
            }
        }
    }
    encoder_.code(0, flat_odds);
    model_->code(Writer{encoder_}, shape, copy);
}

WeightPrices::WeightPrices() : model_(std::make_unique<WeightModel>()) {}
WeightPrices::~WeightPrices() = default;

double WeightPrices::add(const Shape& shape, std::span<const int32_t> symbols, std::span<const int32_t> lower,
                         std::span<float> rises) {
    std::vector<int32_t> copy(symbols.begin(), symbols.end());
    return model_->price(shape, copy, lower, rises);
}

WeightDecoder::WeightDecoder(std::span<const std::byte> code)
    : model_(std::make_unique<WeightModel>()), decoder_(code) {}
WeightDecoder::~WeightDecoder() = default;

bool WeightDecoder::read(const Shape& shape, std::span<int32_t> symbols) {
    Reader reader{decoder_};
    if (!decoder_.decode(flat_odds)) {
        return model_->code(reader, shape, symbols);
    }
    int way = code_way(reader, 0);
    return way <= most_flat ? code_flat(reader, {.width = way}, symbols)
                            : model_->code_coarse(reader, way - most_flat, shape, symbols, symbols);
}

}  // namespace hemp
