#include "hemp/file.h"

#include "core/file/file.h"
#include "core/run/team.h"
#include "hemp/package.h"
#include "hemp/weight_coder.h"
#include "tests/hemp/sample_files.h"
#include "tests/plain_decoder.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>

using namespace hemp;

namespace {

std::vector<uint32_t> bits_of(std::span<const float> values) {
    std::vector<uint32_t> bits;
    for (float value : values) {
        bits.push_back(std::bit_cast<uint32_t>(value));
    }
    return bits;
}

std::vector<uint32_t> value_bits(const QuantizedTensor& tensor) {
    Array array = dequantize(tensor);
    return bits_of(std::as_const(array).values<float>());
}

/// `bytes` decode to `file`, by both decoders, to the bit.
void check_decodes_to(const Bytes& bytes, const HempFile& file) {
    HempFile  decoded = decode(bytes, "test.hemp", sample_model);
    PlainFile plain   = plain_decode(bytes, sample_model);
    REQUIRE(decoded.model == file.model);
    REQUIRE(bits_of(decoded.mean) == bits_of(file.mean));
    REQUIRE(bits_of(decoded.std) == bits_of(file.std));
    REQUIRE(decoded.classes == file.classes);
    REQUIRE(plain.model == file.model);
    REQUIRE(bits_of(plain.mean) == bits_of(file.mean));
    REQUIRE(bits_of(plain.std) == bits_of(file.std));
    REQUIRE(plain.classes == file.classes);
    REQUIRE(decoded.tensors.size() == file.tensors.size());
    REQUIRE(plain.tensors.size() == file.tensors.size());
    for (size_t i = 0; i < file.tensors.size(); ++i) {
        INFO("tensor ", file.tensors[i].name);
        const QuantizedTensor& tensor = decoded.tensors[i];
        REQUIRE(tensor == canonical(file.tensors[i]));
        REQUIRE(value_bits(tensor) == value_bits(file.tensors[i]));
        REQUIRE(plain.tensors[i].name == tensor.name);
        REQUIRE(Shape(plain.tensors[i].shape) == tensor.shape);
        REQUIRE(bits_of(plain.tensors[i].values) == value_bits(tensor));
    }
}

void check_round_trip(const HempFile& file, const EncodeOptions& options = {}) {
    Bytes bytes = encode(file, sample_model, options);
    check_decodes_to(bytes, file);

    FileSummary summary = summarize(bytes, "test.hemp", sample_model);
    uint64_t    parts   = 0;
    for (const auto& [name, size] : summary.parts) {
        parts += size;
    }
    CHECK(parts == bytes.size());
    CHECK(summary.bytes == bytes.size());
    CHECK(summary.tensors.size() == file.tensors.size());
}

Bytes read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file.good(), path);
    std::string text(std::istreambuf_iterator<char>(file), {});
    auto        begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
}

void write_file(const std::string& path, const Bytes& bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(file.good());
}

std::string golden_path(const std::string& name) { return fmt::format("{}/tests/golden/{}", HEMP_SOURCE_ROOT, name); }

/// A header in pieces, to break one of them and seal the file with good checksums again.
struct Pieces {
    std::vector<Bytes> header;
    Bytes              codes;

    static Bytes of(std::initializer_list<int> values) {
        Bytes bytes;
        for (int value : values) {
            bytes.push_back(static_cast<std::byte>(value));
        }
        return bytes;
    }
    static Bytes count(uint64_t value) {
        Bytes bytes;
        for (; value >= 0x80; value >>= 7) {
            bytes.push_back(static_cast<std::byte>(value | 0x80));
        }
        bytes.push_back(static_cast<std::byte>(value));
        return bytes;
    }
    static void append(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
    static void seal(Bytes& bytes, size_t from) {
        auto check =
            static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data() + from), bytes.size() - from));
        for (int i = 0; i < 4; ++i) {
            bytes.push_back(static_cast<std::byte>(check >> (8 * i)));
        }
    }
    Bytes file() const {
        Bytes bytes;
        for (const Bytes& piece : header) {
            append(bytes, piece);
        }
        seal(bytes, 0);
        size_t begin = bytes.size();
        append(bytes, codes);
        seal(bytes, begin);
        return bytes;
    }
};

enum Piece {
    p_magic,
    p_version,
    p_coder,
    p_flags,
    p_model,
    p_tensors,
    p_name,
    p_rank,
    p_rows,
    p_columns,
    p_quantizer,
    p_step,
    p_code_bytes
};

/// One uniform tensor "w" of shape [4, 3] and step 0.5, listed.
Pieces good_pieces() {
    WeightEncoder        encoder;
    std::vector<int32_t> symbols{1, 0, 0, -1, 0, 2, 0, 0, 0, 1, 1, -3};
    encoder.add({4, 3}, symbols);
    Pieces pieces;
    pieces.codes  = encoder.finish();
    pieces.header = {Pieces::of({'H', 'E', 'M', 'P'}),
                     Pieces::of({1}),
                     Pieces::of({0}),
                     Pieces::of({1}),
                     Pieces::of({0}),
                     Pieces::count(1),
                     Pieces::of({1, 'w'}),
                     Pieces::of({2}),
                     Pieces::count(4),
                     Pieces::count(3),
                     Pieces::of({1 | 1 << 3}),
                     Pieces::of({0x3F}),
                     Pieces::count(pieces.codes.size())};
    return pieces;
}

Bytes with(Piece piece, const Bytes& bytes) {
    Pieces pieces        = good_pieces();
    pieces.header[piece] = bytes;
    return pieces.file();
}

std::string refusal(const Bytes& bytes, const DecodeLimits& limits = {}) {
    try {
        decode(bytes, "x.hemp", sample_model, limits);
    } catch (const NewerFileError& error) {
        return std::string("newer: ") + error.what();
    } catch (const DataError& error) {
        return std::string("damaged: ") + error.what();
    }
    return "accepted";
}

void refused_as(const char* kind, const Bytes& bytes, const char* part) {
    std::string message = refusal(bytes);
    INFO(message);
    CHECK(message.starts_with(kind));
    CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("a file gives back what was put in, by two decoders") {
    SUBCASE("every kind of quantizer") { check_round_trip(every_kind()); }
    SUBCASE("a registered model") { check_round_trip(pruned_lenet5()); }
    SUBCASE("a model with other shapes, by name") { check_round_trip(narrowed_pair()); }
    SUBCASE("large integers") { check_round_trip(large_integers()); }
    SUBCASE("a model with other tensors") {
        HempFile file = narrowed_pair();
        file.tensors.pop_back();
        check_round_trip(file);
    }
    SUBCASE("no normalisation and no classes where the model has them") {
        HempFile file = pruned_lenet5();
        file.mean.clear();
        file.std.clear();
        file.classes.clear();
        check_round_trip(file);
    }
    SUBCASE("zeros only") {
        check_round_trip({.model   = "",
                          .mean    = {},
                          .std     = {},
                          .classes = {},
                          .tensors = {{.name = "z", .shape = {3}, .symbols = {0, 0, 0}, .step = 2, .levels = {}}}});
    }
    SUBCASE("random files") {
        for (uint64_t seed = 0; seed < 2000; ++seed) {
            INFO("random_file(", seed, ")");
            check_round_trip(random_file(seed));
        }
    }
    SUBCASE("in parts that learn nothing from each other") {
        for (uint64_t part_bytes : {0, 1, 50, 2000}) {
            check_round_trip(pruned_lenet5(), {.part_bytes = part_bytes});
            check_round_trip(every_kind(), {.part_bytes = part_bytes});
        }
        for (uint64_t seed = 0; seed < 300; ++seed) {
            INFO("random_file(", seed, ")");
            check_round_trip(random_file(seed), {.part_bytes = seed % 20});
        }
    }
}

TEST_CASE("parts are decoded side by side, and any number of threads gives the same") {
    Bytes whole    = encode(pruned_lenet5(), sample_model);
    Bytes in_parts = encode(pruned_lenet5(), sample_model, {.part_bytes = 1});
    CHECK(in_parts.size() > whole.size());
    HempFile expected = decode(whole, "whole", sample_model);
    for (int threads : {1, 2, 3, 8}) {
        use_threads(threads);
        CHECK(decode(in_parts, "parts", sample_model).tensors == expected.tensors);
    }
    // A code that ends too early: what is wrong is said of the first part where it is, however many threads look.
    FileSummary summary = summarize(in_parts, "x.hemp", sample_model);
    uint64_t    codes   = 0;
    for (const TensorSummary& each : summary.tensors) {
        codes += each.code_bytes;
    }
    Bytes damaged = in_parts;
    damaged.resize(damaged.size() - 4);
    for (size_t i = damaged.size() - codes; i < damaged.size(); ++i) {
        damaged[i] = ~damaged[i];
    }
    Pieces::seal(damaged, damaged.size() - codes);
    use_threads(1);
    std::string one = refusal(damaged);
    use_threads(3);
    std::string three = refusal(damaged);
    use_threads(0);
    CHECK(one.find("damaged") == 0);
    CHECK(one == three);
}

TEST_CASE("a file holds the description of a network that is in no registry") {
    check_round_trip(described_network());

    SUBCASE("and so neither names nor shapes, nor the normalisation") {
        HempFile    file    = described_network();
        FileSummary summary = summarize(encode(file, sample_model), "x.hemp", sample_model);
        REQUIRE(summary.parts[1].first == "model");
        CHECK(summary.parts[1].second == 1 + 2 + file.model.size());
        CHECK(summary.parts[2].second + summary.parts[4].second == 0);
    }
    SUBCASE("a description that is no good is refused, with its place") {
        HempFile file  = described_network();
        Bytes    bytes = encode(file, sample_model);
        size_t   at    = 8 + 2 + file.model.find("\"outputs\"") + 1;
        REQUIRE(static_cast<char>(bytes[at]) == 'o');
        bytes[at]           = std::byte{'u'};
        FileSummary summary = summarize(encode(file, sample_model), "x.hemp", sample_model);
        Bytes       header(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(summary.parts.back().second) - 8);
        Pieces::seal(header, 0);
        std::copy(header.begin(), header.end(), bytes.begin());
        std::string message = refusal(bytes);
        CHECK(message.find("model at byte 7: description of the network: /layers/6: key 'uutputs' is not known") !=
              std::string::npos);
    }
    SUBCASE("a description that is none is refused") {
        HempFile file = described_network();
        file.model    = "{}";
        CHECK_THROWS_AS(encode(file, sample_model), DataError);
    }
}

TEST_CASE("a tensor that holds one value everywhere is packed with that level alone") {
    for (float value : {0.0f, -0.75f}) {
        CAPTURE(value);
        Parameter shift{"shift", variable("shift", Array(Shape{8}, std::vector<float>(8, value))), Role::shift};
        Array     unpacked = dequantize(with_levels(shift, value_of(shift.variable), {value}));
        REQUIRE(unpacked.shape() == Shape{8});
        for (float each : unpacked.values<float>()) {
            CHECK(each == value);
        }
    }
}

TEST_CASE("golden files decode for ever") {
    // HEMP_WRITE_GOLDEN=1 writes those that are not there; one that is there must never change.
    for (const auto& golden : golden_files()) {
        const HempFile& file = golden.second;
        INFO(golden.first);
        std::string path = golden_path(golden.first);
        if (std::getenv("HEMP_WRITE_GOLDEN") && !std::ifstream(path).good()) {
            bool in_parts = golden.first.starts_with("in-parts");
            write_file(path, encode(file, sample_model, in_parts ? EncodeOptions{.part_bytes = 1} : EncodeOptions{}));
        }
        check_decodes_to(read_file(path), file);
    }
}

TEST_CASE("seeds of the fuzz targets are good files and codes") {
    // HEMP_WRITE_GOLDEN=1 writes them anew: small files after two bytes that say where the header ends, and codes of
    // two tensors of shape [6, 8] after the eight bytes that say so.
    std::string folder = fmt::format("{}/tests/fuzz/seeds", HEMP_SOURCE_ROOT);
    for (uint64_t seed = 0; seed < 14; ++seed) {
        INFO("seed ", seed);
        std::string file_path = fmt::format("{}/hemp_file/{}", folder, seed);
        std::string code_path = fmt::format("{}/entropy_decoder/{}", folder, seed);
        if (std::getenv("HEMP_WRITE_GOLDEN")) {
            bool     parts  = seed == 13;
            HempFile file   = seed == 0 || parts ? every_kind()
                              : seed == 1        ? narrowed_pair()
                              : seed == 12       ? described_network()
                                                 : random_file(seed);
            Bytes    bytes  = encode(file, sample_model, parts ? EncodeOptions{.part_bytes = 1} : EncodeOptions{});
            size_t   header = bytes.size() - summarize(bytes, "seed", sample_model).parts.back().second - 8;
            Bytes    seeded = Pieces::of({static_cast<int>(header & 255), static_cast<int>(header >> 8)});
            Pieces::append(seeded, bytes);
            write_file(file_path, seeded);

            WeightEncoder encoder;
            encoder.add({6, 8}, sparse_symbols({6, 8}, 0.3, 5, 0.2, seed));
            encoder.add({6, 8}, laplacian_symbols(48, static_cast<double>(seed), seed));
            Bytes code = Pieces::of({2, 2, 5, 7, 0, 5, 7, 0});
            Pieces::append(code, encoder.finish());
            write_file(code_path, code);
        }
        Bytes file = read_file(file_path);
        CHECK(refusal(Bytes(file.begin() + 2, file.end())) == "accepted");

        Bytes                code = read_file(code_path);
        std::span            code_alone(code.begin() + 8, code.end());
        WeightDecoder        decoder(code_alone);
        std::vector<int32_t> symbols(48);
        CHECK(decoder.read({6, 8}, symbols));
        CHECK(symbols == sparse_symbols({6, 8}, 0.3, 5, 0.2, seed));
        CHECK(decoder.read({6, 8}, symbols));
        CHECK(symbols == laplacian_symbols(48, static_cast<double>(seed), seed));
    }
}

TEST_CASE("a header costs little") {
    FileSummary summary = summarize(encode(pruned_lenet5(), sample_model), "x.hemp", sample_model);
    uint64_t    codes   = summary.parts.back().second;
    CHECK(summary.parts.back().first == "codes");
    CHECK(summary.bytes - codes <= 44);

    uint64_t by_tensor = 0;
    for (const TensorSummary& tensor : summary.tensors) {
        by_tensor += tensor.code_bytes;
    }
    CHECK(by_tensor == codes);
    CHECK(summary.weights == 431080);
    CHECK(summary.memory == 4 * 431080 + 4 * 400000 + WeightDecoder::memory);
}

TEST_CASE("the canonical form keeps the values and costs less") {
    auto form = [](std::vector<float> levels, std::vector<int32_t> symbols) {
        auto count = static_cast<int64_t>(symbols.size());
        return canonical(
            {.name = "w", .shape = {count}, .symbols = std::move(symbols), .step = 1, .levels = std::move(levels)});
    };
    SUBCASE("levels that are multiples of one step become uniform") {
        QuantizedTensor tensor = form({-0.3f, -0.1f * 2, -0.1f, 0, 0.1f}, {1, 2, 3, 4});
        CHECK(tensor.levels.empty());
        CHECK(tensor.step == 0.1f);
        CHECK(tensor.symbols == std::vector<int32_t>{-2, -1, 0, 1});
    }
    SUBCASE("levels that miss them by one bit do not") {
        CHECK(form({-0.2f, -0.1f, 0, 0.1f, std::nextafter(0.2f, 1.0f)}, {0, 1, 2, 3, 4}).levels.size() == 5);
    }
    SUBCASE("mid-rise levels and powers of two stay a codebook") {
        CHECK(form({-1.5f, -0.5f, 0.5f, 1.5f}, {0, 1, 2, 3}).levels.size() == 4);
        CHECK(form({-64, -8, -1, 1, 8, 64}, {0, 1, 2, 3, 4, 5}).levels.size() == 6);
    }
    SUBCASE("levels that no weight has are dropped") {
        CHECK(form({-5, -0.37f, 0.1f, 7}, {1, 2, 1}).levels == std::vector<float>{-0.37f, 0.1f});
    }
    SUBCASE("a constant is one step") {
        QuantizedTensor tensor = form({0.3f, 0.7f}, {1, 1, 1});
        CHECK(tensor.levels.empty());
        CHECK(tensor.step == 0.7f);
    }
}

TEST_CASE("a writer refuses what the format cannot hold") {
    auto refuse = [](auto change) {
        HempFile file = narrowed_pair();
        change(file);
        CHECK_THROWS_AS(encode(file, sample_model), UsageError);
    };
    refuse([](HempFile& f) { f.model = "unknown"; });
    refuse([](HempFile& f) { f.tensors.clear(); });
    refuse([](HempFile& f) { f.tensors[1].name = "first"; });
    refuse([](HempFile& f) { f.tensors[1].name = ""; });
    refuse([](HempFile& f) { f.tensors[1].name = std::string(256, 'x'); });
    refuse([](HempFile& f) { f.tensors[1].name = "a\nb"; });
    refuse([](HempFile& f) { f.tensors[1].name = "\xC0\x80"; });
    refuse([](HempFile& f) { f.classes[0] = "\xED\xA0\x80"; });
    refuse([](HempFile& f) { f.std[0] = 0; });
    refuse([](HempFile& f) { f.mean.push_back(1); });
    refuse([](HempFile& f) { f.mean[0] = std::numeric_limits<float>::infinity(); });
    refuse([](HempFile& f) { f.tensors[0].step = 0; });
    refuse([](HempFile& f) { f.tensors[0].step = std::numeric_limits<float>::quiet_NaN(); });
    refuse([](HempFile& f) { f.tensors[0].symbols[0] = (1 << 30) + 1; });
    refuse([](HempFile& f) { f.tensors[0].symbols.pop_back(); });
    refuse([](HempFile& f) { f.tensors[0].shape = {0, 3}; });
    refuse([](HempFile& f) { f.tensors[0].levels = {0, 1}; });
    refuse([](HempFile& f) { f.tensors[0].levels = {5, 4, 3, 2, 1, 0}; });
}

TEST_CASE("every damage to a file is found") {
    std::vector<Bytes> good_files;
    for (const auto& [name, file] : golden_files()) {
        good_files.push_back(read_file(golden_path(name)));
    }
    SUBCASE("truncation at every byte") {
        for (const Bytes& good : good_files) {
            for (size_t length = 0; length < good.size(); ++length) {
                REQUIRE(refusal(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))) != "accepted");
            }
        }
    }
    SUBCASE("a byte more") {
        for (Bytes longer : good_files) {
            longer.push_back(std::byte{0});
            CHECK(refusal(longer).find("followed by something else") != std::string::npos);
        }
    }
    SUBCASE("a flip of every bit") {
        for (Bytes bytes : good_files) {
            for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
                bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
                REQUIRE(refusal(bytes) != "accepted");
                bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
            }
        }
    }
    SUBCASE("every byte set to 00, FF, 7F, 80") {
        for (Bytes bytes : good_files) {
            for (std::byte& byte : bytes) {
                std::byte before = byte;
                for (int value : {0x00, 0xFF, 0x7F, 0x80}) {
                    byte = static_cast<std::byte>(value);
                    REQUIRE((byte == before || refusal(bytes) != "accepted"));
                }
                byte = before;
            }
        }
    }
}

TEST_CASE("a message names file, section, byte, found, expected") {
    CHECK(refusal(with(p_rank, Pieces::of({9}))) ==
          "damaged: x.hemp: tensors at byte 11: a tensor has 9 axes, allowed are 0 to 8; the file is damaged, get it "
          "again");
    CHECK(
        refusal(with(p_magic, Pieces::of({'H', 'E', 'M', 'Q'}))) ==
        "damaged: x.hemp: magic at byte 3: found 0x51, expected 0x50; this is no .hemp file; hemp compress makes one");
    CHECK(refusal(with(p_version, Pieces::of({2}))) ==
          "newer: x.hemp: header at byte 4: version 2, this program reads version 1; it may come from a newer program "
          "(then update this one) or be damaged");
}

TEST_CASE("headers with good checksums but bad fields are refused") {
    CHECK(refusal(good_pieces().file()) == "accepted");

    SUBCASE("things of a later version") {
        refused_as("newer", with(p_coder, Pieces::of({1})), "coder 1");
        refused_as("newer", with(p_flags, Pieces::of({16 | 1})), "flags");
        refused_as("newer", with(p_model, Pieces::of({200})), "model number 200");
        refused_as("newer", with(p_model, Pieces::of({255, 3, 'x', 'y', 'z'})), "\"xyz\" is unknown");
        refused_as("newer", with(p_quantizer, Pieces::of({5})), "quantizer 5");
        refused_as("newer", with(p_quantizer, Pieces::of({128 | 1 | 1 << 3})), "is unknown");
    }
    SUBCASE("fields that contradict") {
        refused_as("damaged", with(p_flags, Pieces::of({3})), "both");
        refused_as("damaged", with(p_flags, Pieces::of({0})), "not listed");
        refused_as("damaged", with(p_model, Pieces::of({255, 6, 'l', 'e', 'n', 'e', 't', '5'})), "not written by name");
        refused_as("damaged", with(p_quantizer, Pieces::of({1})), "there is none");
        refused_as("damaged", with(p_quantizer, Pieces::of({8})), "zeros");
        refused_as("damaged", with(p_quantizer, Pieces::of({64})), "which has no code");
        refused_as("damaged", with(p_quantizer, Pieces::of({64 | 1 | 1 << 3})), "where one begins anyway");
    }
    SUBCASE("lengths of codes that are not the codes'") {
        WeightEncoder        encoder;
        std::vector<int32_t> symbols(400);
        for (size_t i = 0; i < symbols.size(); ++i) {
            symbols[i] = static_cast<int32_t>(i * i % 7) - 3;
        }
        encoder.add({20, 20}, symbols);
        size_t first = encoder.bytes();
        encoder.add({20, 20}, symbols);
        Pieces two         = good_pieces();
        two.codes          = encoder.finish();
        two.header[p_rows] = two.header[p_columns] = Pieces::count(20);
        two.header[p_tensors]                      = Pieces::count(2);
        // Names and shapes of all tensors, then quantizers; the second one has the step of the first.
        auto second = [&](Piece piece) { return two.header[piece]; };
        two.header.insert(two.header.begin() + p_quantizer,
                          {Pieces::of({1, 'v'}), second(p_rank), second(p_rows), second(p_columns)});
        two.header.push_back(Pieces::of({1}));
        two.header.emplace_back();
        auto with_lengths = [&](size_t of_first) {
            two.header[p_code_bytes + 4] = Pieces::count(of_first);
            two.header.back()            = Pieces::count(two.codes.size() - of_first);
            return two.file();
        };
        CHECK(refusal(with_lengths(first)) == "accepted");
        for (size_t other : {size_t{0}, first - 1, first + 1, two.codes.size()}) {
            CAPTURE(other);
            refused_as("damaged", with_lengths(other), "the header says");
            CHECK_THROWS(plain_decode(with_lengths(other), sample_model));
        }
        two.codes.insert(two.codes.end(), 100, std::byte{1});
        refused_as("damaged", with_lengths(first), "bytes are read, but there are");
        CHECK_THROWS(plain_decode(with_lengths(first), sample_model));
    }
    SUBCASE("limits") {
        refused_as("damaged", with(p_tensors, Pieces::count(0)), "allowed are 1 to 65536");
        refused_as("damaged", with(p_tensors, Pieces::count(65537)), "allowed are 1 to 65536");
        refused_as("damaged", with(p_tensors, Pieces::count(65536)), "remain");
        refused_as("damaged", with(p_rows, Pieces::count(0)), "allowed are 1 to");
        refused_as("damaged", with(p_rows, Pieces::count(uint64_t{1} << 31)), "more than 2^31 elements");
        refused_as("damaged", with(p_name, Pieces::of({0})), "empty");
        refused_as("damaged", with(p_name, Pieces::of({1, '\n'})), "UTF-8");
        refused_as("damaged", with(p_name, Pieces::of({200, 'w'})), "remain");
        refused_as("damaged", with(p_step, Pieces::of({0xBF})), "above 0");
        refused_as("damaged", with(p_step, Pieces::of({0x00})), "above 0");
        refused_as("damaged", with(p_code_bytes, Pieces::count(1000)), "allowed are 0 to");
        refused_as("damaged", with(p_code_bytes, Pieces::count(0)), "followed by something else");
    }
    SUBCASE("second encodings of the same thing") {
        refused_as("damaged", with(p_rows, Pieces::of({0x84, 0x00})), "needless");
        refused_as("damaged", with(p_rows, Pieces::of({0x84, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00})),
                   "more than 6 bytes");
        Pieces pieces              = good_pieces();
        pieces.header[p_quantizer] = Pieces::of({1 | 2 << 3});
        pieces.header[p_step]      = Pieces::of({0x3F, 0x00});
        refused_as("damaged", pieces.file(), "shortest form");
        pieces = good_pieces();
        pieces.codes.push_back(std::byte{0});
        pieces.header[p_code_bytes] = Pieces::count(pieces.codes.size());
        refused_as("damaged", pieces.file(), "the last byte is 0");
    }
    SUBCASE("a tensor's code of another length than the header says") {
        // The two tensors of the pair share one code; moving a byte from one to the other keeps all sums.
        FileSummary summary = summarize(encode(narrowed_pair(), sample_model), "x.hemp", sample_model);
        Bytes       bytes   = encode(narrowed_pair(), sample_model);
        size_t      codes   = summary.tensors[0].code_bytes + summary.tensors[1].code_bytes;
        size_t      end     = bytes.size() - 4 - codes - 4;
        REQUIRE(static_cast<size_t>(bytes[end - 1]) == summary.tensors[1].code_bytes);
        size_t first = end - 3;
        REQUIRE(static_cast<size_t>(bytes[first]) == summary.tensors[0].code_bytes);
        bytes[first]   = static_cast<std::byte>(static_cast<int>(bytes[first]) + 1);
        bytes[end - 1] = static_cast<std::byte>(static_cast<int>(bytes[end - 1]) - 1);
        Bytes header(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(end));
        Pieces::seal(header, 0);
        std::copy(header.begin(), header.end(), bytes.begin());
        refused_as("damaged", bytes, "the header says");
    }
    SUBCASE("any integer anywhere, one or two at a time") {
        std::vector<Bytes> values;
        for (uint64_t value :
             {uint64_t{0}, uint64_t{1}, uint64_t{0x7FFFFFFF}, uint64_t{0x80000000}, uint64_t{0x80000001},
              uint64_t{0xFFFFFFFF}, (uint64_t{1} << 42) - 1, uint64_t{1} << 63, ~uint64_t{0}}) {
            values.push_back(Pieces::count(value));
        }
        values.push_back(Pieces::of({255}));
        int accepted = 0;
        for (size_t i = p_version; i <= p_code_bytes; ++i) {
            for (size_t j = i; j <= p_code_bytes; ++j) {
                for (const Bytes& first : values) {
                    for (const Bytes& second : values) {
                        Pieces pieces    = good_pieces();
                        pieces.header[i] = first;
                        pieces.header[j] = second;
                        accepted += refusal(pieces.file()) == "accepted";
                    }
                }
            }
        }
        CHECK(accepted > 0);  // some are legal: version 1, a tensor of one row ...
    }
}

TEST_CASE("bombs are refused before memory is taken") {
    Pieces pieces            = good_pieces();
    pieces.header[p_rows]    = Pieces::count(32768);
    pieces.header[p_columns] = Pieces::count(65536);
    CHECK(refusal(pieces.file()).find("at most") != std::string::npos);

    SUBCASE("a file may ask for what the caller allows, no more") {
        Bytes lenet = encode(pruned_lenet5(), sample_model);
        // All symbols, and the values of the largest tensor.
        uint64_t needed = 4 * 431080 + 4 * 400000 + WeightDecoder::memory;
        CHECK(refusal(lenet, {.max_memory = needed}) == "accepted");
        CHECK(refusal(lenet, {.max_memory = needed - 1}).find("--max-memory") != std::string::npos);

        // Up to four parts are decoded at a time.
        Bytes parts = encode(pruned_lenet5(), sample_model, {.part_bytes = 1});
        needed += 3 * WeightDecoder::memory;
        CHECK(refusal(parts, {.max_memory = needed}) == "accepted");
        CHECK(refusal(parts, {.max_memory = needed - 1}).find("--max-memory") != std::string::npos);
    }
    SUBCASE("many tensors of 2^31 elements each do not overflow the sum") {
        Pieces many            = good_pieces();
        many.header[p_tensors] = Pieces::count(65536);
        Bytes tensors, quantizers;
        for (int i = 0; i < 65536; ++i) {
            std::string name = std::to_string(10000 + i);
            tensors.push_back(static_cast<std::byte>(name.size()));
            for (char digit : name) {
                tensors.push_back(static_cast<std::byte>(digit));
            }
            Pieces::append(tensors, Pieces::of({1}));
            Pieces::append(tensors, Pieces::count(uint64_t{1} << 31));
            Pieces::append(quantizers, Pieces::of({0}));
        }
        many.header[p_name] = tensors;
        for (Piece piece : {p_rank, p_rows, p_columns, p_step, p_code_bytes}) {
            many.header[piece].clear();
        }
        many.header[p_quantizer] = quantizers;
        many.codes.clear();
        CHECK(refusal(many.file()).find("at most") != std::string::npos);
    }
}
