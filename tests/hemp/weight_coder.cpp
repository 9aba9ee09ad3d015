#include "hemp/weight_coder.h"

#include "core/random.h"
#include "tests/hemp/real_weights.h"
#include "tests/hemp/sample_files.h"

#include <doctest/doctest.h>
#include <lzma.h>
#include <zstd.h>

#include <cmath>
#include <map>

using namespace hemp;

namespace {

/// A tensor of integers near 0 under a name for messages.
struct Integers {
    std::string          name;
    Shape                shape;
    std::vector<int32_t> values;
};

Integers centred(std::string name, Shape shape, std::vector<int32_t> values, int32_t centre) {
    for (int32_t& value : values) {
        value -= centre;
    }
    return {std::move(name), shape, std::move(values)};
}

std::vector<Integers> synthetic_tensors() {
    std::vector<Integers> tensors;
    Shape                 matrix{100, 200};
    for (double scale : {0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0}) {
        tensors.push_back({fmt::format("Laplacian {}", scale), matrix, laplacian_symbols(matrix.size(), scale, 1)});
    }
    for (double density : {0.001, 0.01, 0.1}) {
        tensors.push_back({fmt::format("sparse {}", density), matrix, sparse_symbols(matrix, density, 1, 0, 2)});
        tensors.push_back(
            {fmt::format("dead rows and columns {}", density), matrix, sparse_symbols(matrix, density, 3, 0.5, 3)});
    }
    for (uint32_t levels : {2, 3, 4, 7, 8, 16, 33, 100, 256}) {
        tensors.push_back(centred(fmt::format("{} levels", levels), matrix, uniform_symbols(matrix.size(), levels, 4),
                                  static_cast<int32_t>(levels / 2)));
    }
    tensors.push_back({"256 levels, few weights", {10, 100}, uniform_symbols(1000, 256, 5)});
    tensors.push_back({"zeros", matrix, std::vector<int32_t>(20000, 0)});
    tensors.push_back({"ones", matrix, std::vector<int32_t>(20000, 1)});
    tensors.push_back({"constant, far", matrix, std::vector<int32_t>(20000, -123)});
    tensors.push_back({"a kernel", {40, 20, 5, 5}, laplacian_symbols(20000, 0.7, 6)});
    tensors.push_back({"a vector", {3000}, laplacian_symbols(3000, 3, 7)});
    return tensors;
}

size_t coded_size(const Integers& tensor) {
    WeightEncoder encoder;
    encoder.add(tensor.shape, tensor.values);
    return encoder.finish().size();
}

/// Adaptive code length of order zero (Krichevsky and Trofimov 1981) over the values that occur, in bytes.
double zeroth_order_bytes(const Integers& tensor) {
    std::map<int32_t, double> counts;
    for (int32_t value : tensor.values) {
        ++counts[value];
    }
    double symbols = static_cast<double>(counts.size());
    double nats    = std::lgamma(static_cast<double>(tensor.values.size()) + symbols / 2) - std::lgamma(symbols / 2);
    for (const auto& [value, count] : counts) {
        nats -= std::lgamma(count + 0.5) - std::lgamma(0.5);
    }
    return nats / std::log(2.0) / 8;
}

/// The values as bytes, or as pairs of bytes where they need it: what a person would hand to xz.
std::vector<uint8_t> as_bytes(const Integers& tensor) {
    bool                 wide = false;
    std::vector<uint8_t> bytes;
    for (int32_t value : tensor.values) {
        wide |= value < -128 || value > 127;
    }
    for (int32_t value : tensor.values) {
        bytes.push_back(static_cast<uint8_t>(value));
        if (wide) {
            bytes.push_back(static_cast<uint8_t>(value >> 8));
        }
    }
    return bytes;
}

size_t xz_size(const std::vector<uint8_t>& bytes) {
    std::vector<uint8_t> out(lzma_stream_buffer_bound(bytes.size()));
    size_t               size = 0;
    REQUIRE(lzma_easy_buffer_encode(9 | LZMA_PRESET_EXTREME, LZMA_CHECK_CRC64, nullptr, bytes.data(), bytes.size(),
                                    out.data(), &size, out.size()) == LZMA_OK);
    return size;
}

size_t zstd_size(const std::vector<uint8_t>& bytes) {
    std::vector<uint8_t> out(ZSTD_compressBound(bytes.size()));
    return ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 19);
}

void check_coder(const std::vector<Integers>& tensors) {
    WeightEncoder       encoder;
    std::vector<size_t> ends;
    for (const Integers& tensor : tensors) {
        encoder.add(tensor.shape, tensor.values);
        ends.push_back(encoder.bytes());
    }
    std::vector<std::byte> code = encoder.finish();
    WeightDecoder          decoder(code);
    for (size_t i = 0; i < tensors.size(); ++i) {
        INFO(tensors[i].name);
        std::vector<int32_t> values(tensors[i].values.size());
        REQUIRE(decoder.read(tensors[i].shape, values));
        REQUIRE(values == tensors[i].values);
        CHECK(decoder.shifts() == ends[i]);
    }
}

void check_small(const Integers& tensor) {
    double               size  = static_cast<double>(coded_size(tensor));
    std::vector<uint8_t> bytes = as_bytes(tensor);
    INFO(tensor.name);
    CHECK(size <= zeroth_order_bytes(tensor) * 1.01 + 8);
    CHECK(size < static_cast<double>(xz_size(bytes)));
    CHECK(size < static_cast<double>(zstd_size(bytes)));
}

}  // namespace

TEST_CASE("the arithmetic code") {
    SUBCASE("gives back bits of any probability") {
        Random            random(1, 0);
        ArithmeticEncoder encoder;
        auto p_of   = [&](uint64_t i) { return std::array{1u, 65535u, 32768u, 1 + random.below(65535, 2 * i)}[i % 4]; };
        auto bit_of = [&](uint64_t i) { return static_cast<int>(random.below(65536, 2 * i + 1) < p_of(i)); };
        for (uint64_t i = 0; i < 100000; ++i) {
            encoder.code(bit_of(i), p_of(i));
        }
        std::vector<std::byte> code = encoder.finish();
        ArithmeticDecoder      decoder(code);
        bool                   same = true;
        for (uint64_t i = 0; i < 100000; ++i) {
            same &= decoder.decode(p_of(i)) == bit_of(i);
        }
        CHECK(same);
    }
    SUBCASE("carries through bytes of 0xFF") {
        // Zeros at probability 1 - 2^-16 of one push low up to just below a power of two; the last bits tip it over.
        for (int zeros = 1; zeros < 400; ++zeros) {
            ArithmeticEncoder encoder;
            for (int i = 0; i < zeros; ++i) {
                encoder.code(0, 65535);
            }
            encoder.code(1, 1);
            encoder.code(0, 65535);
            std::vector<std::byte> code = encoder.finish();
            ArithmeticDecoder      decoder(code);
            bool                   same = true;
            for (int i = 0; i < zeros; ++i) {
                same &= decoder.decode(65535) == 0;
            }
            same &= decoder.decode(1) == 1;
            same &= decoder.decode(65535) == 0;
            REQUIRE(same);
        }
    }
    SUBCASE("is empty for nothing, and never ends with a zero byte") {
        CHECK(ArithmeticEncoder().finish().empty());
        for (int bits = 1; bits < 64; ++bits) {
            ArithmeticEncoder encoder;
            for (int i = 0; i < bits; ++i) {
                encoder.code(bits >> (i % 6) & 1, 20000);
            }
            std::vector<std::byte> code = encoder.finish();
            CHECK((code.empty() || code.back() != std::byte{0}));
        }
    }
}

TEST_CASE("the weight coder gives back what it was given") {
    SUBCASE("tensors of many kinds in one code") { check_coder(synthetic_tensors()); }
    SUBCASE("the largest symbols") { check_coder({{"large", {2, 3}, {1 << 30, -(1 << 30), (1 << 30) - 1, 0, 5, -6}}}); }
    SUBCASE("a narrow range at either end of what a symbol may be") {
        constexpr int32_t most = 1 << 30;
        for (int32_t count : {1, 2, 3, 5}) {  // whole bits reach beyond the range
            Integers high{"high", {300}, uniform_symbols(300, static_cast<uint32_t>(count), 14)}, low = high;
            low.name = "low";
            for (int32_t& value : high.values) {
                value += most - (count - 1);
            }
            for (int32_t& value : low.values) {
                value -= most;
            }
            check_coder({high, low});
        }
    }
    SUBCASE("shapes without rows, columns, or neighbours") {
        check_coder({{"scalar", {}, {-3}},
                     {"one", {1}, {2}},
                     {"column", {50, 1}, laplacian_symbols(50, 2, 8)},
                     {"row", {1, 49}, laplacian_symbols(49, 2, 9)},
                     {"deep", {2, 1, 3, 1, 2, 2, 1, 2}, laplacian_symbols(48, 2, 10)}});
    }
    SUBCASE("more columns than have statistics of their own, more rows than the next tensor is told of") {
        check_coder({{"wide", {2, 70000}, sparse_symbols({2, 70000}, 0.01, 3, 0.1, 11)},
                     {"high", {70000, 2}, sparse_symbols({70000, 2}, 0.01, 3, 0.1, 12)},
                     {"after", {5, 70000}, sparse_symbols({5, 70000}, 0.01, 3, 0.1, 13)}});
    }
}

/// Of any shape and distribution, often degenerate: no element, one value, steps from one extreme to the other.
Integers random_integers(const Random& random, uint64_t number) {
    uint64_t at    = number * 1000;
    auto     below = [&](uint32_t bound) { return random.below(bound, at++); };
    Shape    shape;
    int64_t  size = 1;
    {
        std::vector<int64_t> lengths;
        for (uint32_t rank = below(5); rank > 0; --rank) {
            lengths.push_back(1 + below(below(4) == 0 ? 40 : 6));
            size *= lengths.back();
        }
        while (size > 400) {
            size /= lengths.back();
            lengths.pop_back();
        }
        shape = Shape(lengths);
    }
    constexpr double      scales[] = {0.05, 0.3, 1, 5, 1000, 1e6};
    constexpr const char* kinds[]  = {"Laplacian", "sparse", "levels", "constant", "extremes"};
    uint32_t              kind     = below(5);
    std::vector<int32_t>  values;
    switch (kind) {
        case 0: values = laplacian_symbols(size, scales[below(6)], number); break;
        case 1: values = sparse_symbols(shape, 0.01 * below(100), 1 + below(3), 0.25 * below(4), number); break;
        case 2: values = uniform_symbols(size, 2 + below(255), number); break;
        case 3: values.assign(static_cast<size_t>(size), static_cast<int32_t>(below(1u << 31)) - (1 << 30)); break;
        default:
            for (int64_t i = 0; i < size; ++i) {
                values.push_back(std::array{1 << 30, -(1 << 30), 0, 1}[below(4)]);
            }
    }
    return {fmt::format("number {}: {} {}", number, kinds[kind], shape), shape, std::move(values)};
}

TEST_CASE("the weight coder gives back 10,000 random tensors, in codes of random length") {
    const Random          random(20, 0);
    std::vector<Integers> tensors;
    for (uint64_t number = 0; number < 10000; ++number) {
        tensors.push_back(random_integers(random, number));
        if (random.below(8, number * 1000 + 999) == 0 || number == 9999) {
            check_coder(tensors);
            tensors.clear();
        }
    }
}

TEST_CASE("the weight coder is small: at most the adaptive code of order 0 plus 1 % and 8 bytes, below xz and zstd") {
    for (const Integers& tensor : synthetic_tensors()) {
        check_small(tensor);
    }
}

TEST_CASE("the weight coder is small on real weights") {
    // Plain rounding; bytes of the public coder nncodec2 2.0.3 on the same integers, all weights of a network.
    struct Case {
        std::string file;
        float       step;
        size_t      nncodec2;
    };
    for (const Case& c : {Case{"lenet5", 0.0625f, 13600}, Case{"lenet5", 0.03125f, 59781},
                          Case{"lenet300", 0.0625f, 16661}, Case{"lenet300", 0.0234375f, 43323}}) {
        std::vector<NamedArray> real = real_weights(c.file);
        if (real.empty()) {
            MESSAGE("skipped: set HEMP_DATA to the folder that holds weights/" << c.file << ".safetensors");
            continue;
        }
        WeightEncoder encoder;
        for (const NamedArray& tensor : real) {
            Integers integers{tensor.name, tensor.values.shape(), rounded(tensor.values, c.step)};
            encoder.add(integers.shape, integers.values);
            if (integers.values.size() >= 1000) {
                check_small(integers);
            }
        }
        CHECK(encoder.finish().size() < c.nncodec2);
    }
}

TEST_CASE("prices are those of the code that the encoder writes") {
    WeightEncoder encoder;
    WeightPrices  prices;
    double        bits = 0;
    Shape         matrix{100, 200};
    for (const Integers& tensor : {Integers{"sparse", matrix, sparse_symbols(matrix, 0.02, 3, 0.5, 3)},
                                   Integers{"a vector", {300}, laplacian_symbols(300, 1, 7)},
                                   Integers{"a kernel", {40, 20, 5, 5}, laplacian_symbols(20000, 0.7, 6)}}) {
        encoder.add(tensor.shape, tensor.values);
        std::vector<float> rises(tensor.values.size());
        bits += prices.add(tensor.shape, tensor.values, tensor.values, rises);
    }
    CHECK(bits / 8 == doctest::Approx(static_cast<double>(encoder.finish().size())).epsilon(0.001));
}

TEST_CASE("a rise is what one more on the last integer adds to the bits") {
    for (int32_t last : {-300, -6, -5, -2, -1, 0, 1, 3, 4, 5, 99}) {
        CAPTURE(last);
        Shape                shape{30, 40};
        std::vector<int32_t> values = sparse_symbols(shape, 0.1, 3, 0.3, 14);
        std::vector<float>   rises(values.size());
        auto                 bits = [&](int32_t at_end, int32_t lower) {
            values.back()               = at_end;
            std::vector<int32_t> bounds = values;
            bounds.back()               = lower;
            return WeightPrices().add(shape, values, bounds, rises);
        };
        double below = bits(last, last);
        float  rise  = rises.back();
        double above = bits(last + 1, last);
        CHECK(rises.back() == rise);  // its own value is not known to itself
        CHECK(rise == doctest::Approx(above - below).epsilon(1e-4));
    }
}
