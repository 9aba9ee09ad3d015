#include "tests/plain_decoder.h"

#include <cmath>
#include <cstring>
#include <map>
#include <stdexcept>

namespace hemp {
namespace {

using std::abs;
using std::max;
using std::min;

int64_t floor_log2(int64_t n) {
    int64_t log = -1;
    for (; n > 0; n /= 2) {
        ++log;
    }
    return log;
}

// Section 1.
struct ByteReader {
    std::span<const std::byte> bytes;
    size_t                     at = 0;

    int64_t u8() { return static_cast<int64_t>(bytes[at++]); }
    int64_t u32() {
        int64_t a = u8(), b = u8(), c = u8(), d = u8();
        return a + 256 * (b + 256 * (c + 256 * d));
    }
    float   f32() { return float_of(u32()); }
    int64_t count() {
        int64_t value = 0;
        for (int64_t place = 1;; place *= 128) {
            int64_t byte = u8();
            value += byte % 128 * place;
            if (byte < 128) {
                return value;
            }
        }
    }
    int64_t signed_count() {
        int64_t value = count();
        return value % 2 == 0 ? value / 2 : -(value + 1) / 2;
    }
    std::string text() {
        std::string text;
        for (int64_t left = u8(); left > 0; --left) {
            text += static_cast<char>(u8());
        }
        return text;
    }
    float short_float(int64_t k) {
        int64_t bits = 0;
        for (int64_t i = 0; i < 4; ++i) {
            bits = bits * 256 + (i < k ? u8() : 0);
        }
        return float_of(bits);
    }
    static float float_of(int64_t bits) {
        auto  word = static_cast<uint32_t>(bits);
        float value;
        std::memcpy(&value, &word, 4);
        return value;
    }
};

int64_t plain_crc32(std::span<const std::byte> bytes) {
    uint32_t crc = 0xFFFFFFFF;
    for (std::byte byte : bytes) {
        crc ^= static_cast<uint32_t>(byte);
        for (int i = 0; i < 8; ++i) {
            crc = crc % 2 ? crc / 2 ^ 0xEDB88320 : crc / 2;
        }
    }
    return crc ^ 0xFFFFFFFF;
}

// Section 5.1.
struct ArithmeticCode {
    ByteReader bytes;
    uint64_t   range  = 0xFFFFFFFF;
    uint64_t   code   = 0;
    int64_t    shifts = 0;

    explicit ArithmeticCode(std::span<const std::byte> codes) : bytes{codes} {
        for (int i = 0; i < 4; ++i) {
            code = code * 256 + next();
        }
    }
    uint64_t next() { return bytes.at < bytes.bytes.size() ? static_cast<uint64_t>(bytes.u8()) : 0; }

    bool bit(int64_t p) {
        uint64_t bound = range * static_cast<uint64_t>(p) >> 16;
        bool     bit   = code < bound;
        if (bit) {
            range = bound;
        } else {
            code -= bound;
            range -= bound;
        }
        while (range < 1 << 24) {
            range = range * 256;
            code  = code * 256 + next();
            ++shifts;
        }
        return bit;
    }
};

// Section 5.2.
struct Logistic {
    std::map<int64_t, int64_t> squash;
    std::vector<int64_t>       stretch;

    Logistic() {
        uint64_t one = 1ull << 32;
        uint64_t e   = one;
        for (int64_t i = 0; i <= 3071; ++i) {
            squash[-i] = max<int64_t>(1, static_cast<int64_t>((65536 * e + (one + e) / 2) / (one + e)));
            squash[i]  = 65536 - squash[-i];
            e          = e * 4278222805 >> 32;
        }
        for (int64_t p = 0; p <= 65535; ++p) {
            int64_t x = stretch.empty() ? -3071 : stretch.back();
            while (x < 3071 && squash[x + 1] <= p) {
                ++x;
            }
            stretch.push_back(x);
        }
    }
};

const Logistic& logistic() {
    static const Logistic tables;
    return tables;
}
int64_t squash(int64_t x) { return logistic().squash.at(x); }
int64_t stretch(int64_t p) { return logistic().stretch[static_cast<size_t>(p)]; }
int64_t rate(int64_t n) { return 131072 / (2 * n + 3); }
int64_t clamp(int64_t x) { return max<int64_t>(-3071, min<int64_t>(3071, x)); }

// Section 5.3.
struct PlainSlot {
    int64_t q = 1 << 21;
    int64_t n = 0;

    void see(bool b, int64_t pace, int64_t limit) {
        q = q + (((b ? 4194303 : 0) - q) * rate(pace) >> 16);
        n = min(n + 1, limit);
    }
};

// Section 5.4 and the slots of 5.5.
struct Set {
    using Place = std::pair<int64_t, int64_t>;  // context, t
    std::vector<std::map<Place, PlainSlot>>              tables{11};
    std::map<int64_t, std::vector<int64_t>>              w;       // by t
    std::map<Place, std::vector<int64_t>>                v;       // by selector, t
    std::map<int64_t, std::vector<PlainSlot>>            curves;  // by t
    std::map<std::pair<int64_t, std::string>, PlainSlot> suffixes;

    bool mixed(ArithmeticCode& code, const std::vector<int64_t>& contexts, int64_t t, int64_t selector) {
        std::vector<int64_t>& weights  = w.try_emplace(t, 11, 7864).first->second;
        std::vector<int64_t>& selected = v.try_emplace({selector, t}, 11, 7864).first->second;
        if (curves[t].empty()) {
            for (int64_t j = 0; j <= 32; ++j) {
                curves[t].push_back({.q = 64 * squash(clamp(192 * j - 3072)), .n = 0});
            }
        }
        std::vector<int64_t> s;
        int64_t              sum1 = 0, sum2 = 0;
        for (size_t i = 0; i < contexts.size(); ++i) {
            s.push_back(stretch(tables[i][{contexts[i], t}].q >> 6));
            sum1 += weights[i] * s[i];
            sum2 += selected[i] * s[i];
        }
        int64_t x1 = clamp(sum1 >> 16), x2 = clamp(sum2 >> 16);
        int64_t x = (x1 + x2) >> 1, j = (x + 3072) / 192, f = (x + 3072) % 192;

        PlainSlot& a       = curves[t][static_cast<size_t>(j)];
        PlainSlot& b       = curves[t][static_cast<size_t>(j + 1)];
        int64_t    refined = ((a.q >> 6) * (192 - f) + (b.q >> 6) * f) / 192;
        int64_t    p       = max<int64_t>(1, min<int64_t>(65535, (squash(x) + refined) / 2));
        bool       bit     = code.bit(p);
        for (size_t i = 0; i < contexts.size(); ++i) {
            weights[i] += (s[i] * (65536 * bit - squash(x1)) * 3 + (1 << 17)) >> 18;
            selected[i] += (s[i] * (65536 * bit - squash(x2)) * 3 + (1 << 17)) >> 18;
            PlainSlot& slot = tables[i][{contexts[i], t}];
            slot.see(bit, slot.n, 1000);
        }
        PlainSlot& near = f >= 96 ? b : a;
        near.see(bit, max<int64_t>(near.n, 6), 255);
        return bit;
    }
};

// Section 5.7.
int64_t half(int64_t e) {
    if (e < 16) {
        return 0;
    }
    int64_t n = floor_log2(e);
    return min<int64_t>(39, 2 * (n - 4) + (e >> (n - 1)) % 2);
}
int64_t octave(int64_t e) { return half(e) / 2; }
int64_t cut(int64_t d) { return min<int64_t>(abs(d), 16384); }
int64_t size(int64_t d) { return abs(d) < 3 ? abs(d) : abs(d) <= 4 ? 3 : abs(d) <= 8 ? 4 : 5; }
int64_t sign(int64_t d) { return d == 0 ? 0 : d < 0 ? 1 : 2; }
int64_t balance(int64_t b) { return b < -3 ? 0 : b <= -2 ? 1 : b == -1 ? 2 : b == 0 ? 3 : b == 1 ? 4 : b <= 3 ? 5 : 6; }

struct Mean {
    int64_t e = 4096;
    void    see(int64_t d, int64_t k) { e = e + ((65536 * cut(d) - e) * rate(k) >> 16); }
};

int64_t root(int64_t n) {
    int64_t r = 0;
    while (r * r < n) {
        ++r;
    }
    return r * r == n ? r : 0;
}

struct Coder {
    ArithmeticCode       code;
    Set                  matrices, others;
    bool                 matrix_before = false;
    std::vector<int64_t> activities;

    // Section 5.5.
    int64_t symbol(Set& set, std::vector<int64_t> contexts, const std::vector<int64_t>& signs, int64_t selector) {
        if (!set.mixed(code, contexts, 0, selector)) {
            return 0;
        }
        bool positive = set.mixed(code, signs, 1, 0);
        contexts[0] += positive ? 2 : 1;
        contexts[4] += positive ? 80 : 40;
        int64_t m = 1;
        while (m <= 4 && set.mixed(code, contexts, 1 + m, selector)) {
            ++m;
        }
        if (m > 4) {
            int64_t l = 0;
            while (set.mixed(code, contexts, min<int64_t>(6 + l, 15), selector)) {
                ++l;
            }
            int64_t     e = 1;
            std::string before;
            for (int64_t h = 0; h < l; ++h) {
                bool bit;
                if (h < 8) {
                    int64_t    n = min<int64_t>(255, int64_t{1} << min<int64_t>(l - h - 1, 20));
                    PlainSlot& slot =
                        set.suffixes.try_emplace({l, before}, PlainSlot{.q = 1 << 21, .n = n}).first->second;
                    bit = code.bit(max<int64_t>(1, slot.q >> 6));
                    slot.see(bit, slot.n, 1000);
                } else {
                    bit = code.bit(32768);
                }
                before += bit ? '1' : '0';
                e = 2 * e + bit;
            }
            m = 4 + e;
        }
        return positive ? m : -m;
    }

    int64_t number(int64_t width) {
        int64_t number = 0;
        for (; width > 0; --width) {
            number = 2 * number + code.bit(32768);
        }
        return number;
    }

    std::vector<int64_t> tensor(const std::vector<int64_t>& shape) {
        int64_t elements = 1;
        for (int64_t length : shape) {
            elements *= length;
        }
        if (!code.bit(64)) {
            return mixed(shape, elements);
        }
        int64_t way = number(5);  // 5.5
        if (way > 16) {
            return coarse(mixed(shape, elements), way - 16);
        }
        int64_t              lowest = number(32) - (1 << 30);
        std::vector<int64_t> flat;
        for (int64_t i = 0; i < elements; ++i) {
            flat.push_back(lowest + number(way));
        }
        return flat;
    }

    std::vector<int64_t> coarse(std::vector<int64_t> highs, int64_t shift) {
        std::map<std::pair<int64_t, std::string>, PlainSlot> slots;
        for (int64_t& d : highs) {
            int64_t     high = min<int64_t>(7, max<int64_t>(-8, d));
            std::string before;
            for (int64_t i = 0; i < shift; ++i) {
                int bit = 0;
                if (i < 2) {
                    PlainSlot& slot = slots[{high, before}];
                    bit             = code.bit(max<int64_t>(1, slot.q >> 6));
                    slot.see(bit, slot.n, 1000);
                } else {
                    bit = code.bit(32768);
                }
                before += bit ? '1' : '0';
                d = 2 * d + bit;
            }
        }
        return highs;
    }

    std::vector<int64_t> mixed(const std::vector<int64_t>& shape, int64_t elements) {
        bool    matrix = shape.size() >= 2;
        Set&    set    = matrix ? matrices : others;
        int64_t R      = matrix ? shape[0] : 1;
        int64_t C      = elements / R;
        int64_t P      = static_cast<int64_t>(activities.size());
        int64_t B      = P >= 1 && C % P == 0 ? C / P : 0;
        int64_t K = 1, W = 0;
        if (shape.size() >= 3) {
            K = C / shape[1];
            W = shape.back();
        } else {
            int64_t M = B > 1 ? B : B == 1 || matrix_before ? 0 : C % 3 == 0 && root(C / 3) ? C / 3 : C;
            if (M > 3 && root(M)) {
                K = M;
                W = root(M);
            }
        }
        set.tables[6].clear();

        std::vector<int64_t>       d(static_cast<size_t>(elements));
        auto                       at = [&](int64_t r, int64_t c) { return d[static_cast<size_t>(r * C + c)]; };
        Mean                       all, near, wide;
        std::map<int64_t, Mean>    column, recent;
        std::map<int64_t, int64_t> column_balance;
        std::vector<int64_t>       row_activities;
        for (int64_t r = 0; r < R; ++r) {
            Mean    row         = all;
            int64_t row_balance = 0;
            for (int64_t c = 0; c < C; ++c) {
                int64_t g    = c % K;
                bool    grid = W > 0 && g >= W;
                int64_t L    = c >= 1 ? at(r, c - 1) : 0;
                int64_t LL   = c >= 2 ? at(r, c - 2) : 0;
                int64_t U    = r >= 1 ? at(r - 1, c) : 0;
                int64_t UL   = r >= 1 && c >= 1 ? at(r - 1, c - 1) : 0;
                int64_t UR   = r >= 1 && c + 1 < C ? at(r - 1, c + 1) : 0;
                int64_t G    = grid ? at(r, c - W) : 0;
                int64_t GR   = grid && g % W < W - 1 ? at(r, c - W + 1) : 0;
                int64_t GL   = grid && g % W > 0 ? at(r, c - W - 1) : 0;
                int64_t a    = B > 0 ? activities[static_cast<size_t>(c / B)] : 4096;
                int64_t s    = c % 65536;

                int64_t around   = 2 * (cut(L) + cut(G) + cut(U)) + cut(GL) + cut(GR) + cut(LL) + cut(UL) + cut(UR);
                int64_t expected = min<int64_t>(column[s].e * row.e / max<int64_t>(16, all.e), 1 << 30);
                std::vector<int64_t> contexts{0,
                                              6 * size(L) + size(LL),
                                              36 * size(G) + 6 * size(L) + size(U),
                                              20 * half(2048 * around) + octave(column[s].e),
                                              half(expected),
                                              6 * half(near.e) + size(G),
                                              s,
                                              6 * half(recent[s].e) + size(L),
                                              20 * octave(a) + 3 * size(L) + min<int64_t>(2, abs(U)),
                                              20 * half(wide.e) + octave(column[s].e),
                                              20 * octave(a) + octave(row.e)};
                std::vector<int64_t> signs{0,
                                           3 * sign(L) + sign(LL),
                                           3 * sign(U) + sign(L),
                                           balance(column_balance[s]),
                                           balance(row_balance),
                                           7 * balance(column_balance[s]) + balance(row_balance),
                                           s,
                                           9 * sign(G) + 3 * sign(L) + sign(U),
                                           9 * sign(G) + 3 * sign(GL) + sign(GR)};
                int64_t              now = symbol(set, contexts, signs, octave(row.e));

                d[static_cast<size_t>(r * C + c)] = now;
                all.see(now, min<int64_t>(r * C + c + 1, 1000));
                row.see(now, min<int64_t>(c + 1, 400));
                near.see(now, 4);
                wide.see(now, 14);
                column[s].see(now, min<int64_t>(r + 1, 200));
                recent[s].see(now, 6);
                column_balance[s] += (now > 0) - (now < 0);
                row_balance += (now > 0) - (now < 0);
            }
            row_activities.push_back(row.e);
        }
        if (matrix) {
            matrix_before = true;
            activities    = R <= 65536 ? row_activities : std::vector<int64_t>{};
        }
        for (auto& table : set.tables) {  // 5.6
            for (auto& [place, slot] : table) {
                slot.n = min<int64_t>(slot.n, 16);
            }
        }
        return d;
    }
};

// Section 4.
struct PlainQuantizer {
    int64_t            kind        = 0;
    float              step        = 1;
    std::vector<float> levels      = {};
    bool               begins_part = false;
    int64_t            code_length = 0;
};

PlainQuantizer read_quantizer(ByteReader& in, float& last_step) {
    PlainQuantizer quantizer;
    int64_t        head   = in.u8();
    int64_t        k      = head / 8 % 8;
    quantizer.kind        = head % 8;
    quantizer.begins_part = head / 64 % 2 == 1;
    if (quantizer.kind == 0) {
        return quantizer;
    }
    if (quantizer.kind <= 2) {
        last_step      = k == 0 ? last_step : in.short_float(k);
        quantizer.step = last_step;
    }
    if (quantizer.kind == 2) {
        int64_t first = in.signed_count();
        int64_t gap   = in.count();
        int64_t L     = in.u8() + 1;
        for (int64_t i = 0; i < L; ++i) {
            quantizer.levels.push_back(static_cast<float>(first + gap * i) * quantizer.step);
        }
    }
    if (quantizer.kind == 3) {
        int64_t            L = in.u8() + 1;
        std::vector<float> halves;
        for (int64_t i = 0; i < L / 2; ++i) {
            halves.push_back(in.short_float(k));
        }
        for (size_t i = halves.size(); i > 0; --i) {
            quantizer.levels.push_back(-halves[i - 1]);
        }
        if (L % 2 == 1) {
            quantizer.levels.push_back(0);
        }
        quantizer.levels.insert(quantizer.levels.end(), halves.begin(), halves.end());
    }
    if (quantizer.kind == 4) {
        for (int64_t left = in.u8() + 1; left > 0; --left) {
            quantizer.levels.push_back(in.short_float(k));
        }
    }
    quantizer.code_length = in.count();
    return quantizer;
}

}  // namespace

// Sections 2 and 3.
PlainFile plain_decode(std::span<const std::byte> bytes, const Registry& registry) {
    const char* names[] = {"",         "lenet300",          "lenet5",         "resnet20",       "resnet32",
                           "resnet44", "resnet56",          "resnet110",      "resnet18",       "resnet34",
                           "resnet50", "resnet18-cifar",    "resnet34-cifar", "resnet50-cifar", "vgg16-cifar",
                           "vgg16",    "mobilenetv2-cifar", "mobilenetv2",    "alexnet-cifar",  "alexnet"};
    ByteReader  in{bytes, 6};  // after magic, version, coder
    PlainFile   file;
    int64_t     flags  = in.u8();
    int64_t     number = in.u8();
    if (number == 254) {
        for (int64_t left = in.count(); left > 0; --left) {
            file.model += static_cast<char>(in.u8());
        }
    } else {
        file.model = number == 255 ? in.text() : names[number];
    }

    std::shared_ptr<const ModelSpec> model = number == 0 ? nullptr : registry(file.model);
    if (model) {
        file.mean    = model->mean;
        file.std     = model->std;
        file.classes = model->classes;
    }
    if (flags & 4) {
        int64_t n = in.count();
        file.mean.clear();
        file.std.clear();
        for (int64_t i = 0; i < n; ++i) {
            file.mean.push_back(in.f32());
        }
        for (int64_t i = 0; i < n; ++i) {
            file.std.push_back(in.f32());
        }
    }
    if (flags & 8) {
        int64_t n = in.count();
        file.classes.clear();
        for (int64_t i = 0; i < n; ++i) {
            file.classes.push_back(in.text());
        }
    }
    if (flags & 3) {
        int64_t n = in.count();
        for (int64_t i = 0; i < n; ++i) {
            PlainTensor tensor;
            tensor.name = flags & 1 ? in.text() : model->tensors[static_cast<size_t>(i)].first;
            for (int64_t rank = in.u8(); rank > 0; --rank) {
                tensor.shape.push_back(in.count());
            }
            file.tensors.push_back(tensor);
        }
    } else {
        for (const auto& [name, shape] : model->tensors) {
            file.tensors.push_back({name, {shape.begin(), shape.end()}, {}});
        }
    }
    std::vector<PlainQuantizer> quantizers;
    float                       last_step[2] = {0, 0};
    int64_t                     code_length  = 0;
    for (size_t i = 0; i < file.tensors.size(); ++i) {
        quantizers.push_back(read_quantizer(in, last_step[file.tensors[i].shape.size() >= 2]));
        code_length += quantizers.back().code_length;
    }
    size_t header_end = in.at;
    if (in.u32() != plain_crc32(bytes.first(header_end))) {
        throw std::runtime_error("plain decoder: the header's CRC-32 is wrong");
    }
    std::span<const std::byte> codes = bytes.subspan(in.at, static_cast<size_t>(code_length));
    in.at += codes.size();
    if (in.u32() != plain_crc32(codes) || in.at != bytes.size()) {
        throw std::runtime_error("plain decoder: the CRC-32 of the codes or the file's length is wrong");
    }

    // The code of the part that begins with tensor i.
    auto part = [&](size_t i) {
        int64_t length = quantizers[i].code_length;
        for (size_t j = i + 1; j < quantizers.size() && !quantizers[j].begins_part; ++j) {
            length += quantizers[j].code_length;
        }
        std::span<const std::byte> code = codes.first(static_cast<size_t>(length));
        codes                           = codes.subspan(code.size());
        return code;
    };
    int64_t read = 0;  // of the part, by the lengths so far
    Coder   coder{ArithmeticCode(part(0)), {}, {}, false, {}};
    for (size_t i = 0; i < file.tensors.size(); ++i) {
        if (quantizers[i].begins_part) {
            coder = {ArithmeticCode(part(i)), {}, {}, false, {}};
            read  = 0;
        }
        PlainTensor&          tensor    = file.tensors[i];
        const PlainQuantizer& quantizer = quantizers[i];
        if (quantizer.kind == 0) {
            int64_t elements = 1;
            for (int64_t length : tensor.shape) {
                elements *= length;
            }
            tensor.values.assign(static_cast<size_t>(elements), 0.0f);
            continue;
        }
        size_t z = 0;
        for (size_t level = 1; level < quantizer.levels.size(); ++level) {
            if (std::fabs(quantizer.levels[level]) <= std::fabs(quantizer.levels[z])) {
                z = level;
            }
        }
        for (int64_t d : coder.tensor(tensor.shape)) {
            tensor.values.push_back(quantizer.kind == 1 ? static_cast<float>(d) * quantizer.step
                                                        : quantizer.levels[static_cast<size_t>(d) + z]);
        }
        // Section 5.1.
        auto all  = static_cast<int64_t>(coder.code.bytes.bytes.size());
        bool last = true;
        for (size_t j = i + 1; j < quantizers.size() && !quantizers[j].begins_part; ++j) {
            last = last && quantizers[j].kind == 0;
        }
        read += quantizer.code_length;
        if (last ? all > coder.code.shifts + 4 : read != std::min(all, coder.code.shifts)) {
            throw std::runtime_error("plain decoder: the lengths of codes are not those of what was read");
        }
    }
    return file;
}

}  // namespace hemp
