#include "core/file/safetensors.h"

#include "tests/bytes.h"
#include "tests/folder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace hemp;

namespace {

/// A file of a header and data, with the right length before the header.
Bytes file_of(const std::string& header, const Bytes& data = {}) {
    uint64_t length = header.size();
    Bytes    bytes(8);
    std::memcpy(bytes.data(), &length, 8);
    return bytes + bytes_of(header) + data;
}

std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}";
}

Safetensors parse(const Bytes& bytes) { return parse_safetensors(bytes, "file"); }

/// The values of a file with one vector of that dtype.
Array vector_in_file(const std::string& dtype, int64_t count, const Bytes& data) {
    return parse(file_of("{\"x\":" + tensor(dtype, std::to_string(count), "0," + std::to_string(data.size())) + "}",
                         data))
        .arrays.at(0)
        .values;
}

template <class T>
std::vector<T> vector_of(const Array& array) {
    return {array.values<T>().begin(), array.values<T>().end()};
}

Safetensors small_content() {
    return {.arrays   = {{"weight", Array({2, 2}, std::vector<float>{1, -2, 0.5f, 3})},
                         {"steps", Array({}, std::vector<int64_t>{1234567890123})},
                         {"labels", Array({3}, std::vector<int32_t>{-1, 0, 1})},
                         {"symbols", Array({3}, std::vector<uint8_t>{0, 128, 255})},
                         {"none", Array(Type{.shape = {0, 4}})}},
            .metadata = {{"epoch", "3"}, {"note", "with \"quotes\", {brackets} and \\"}}};
}

}  // namespace

TEST_CASE("a safetensors file gives back what was written") {
    Safetensors written = small_content();
    Safetensors read    = parse(format_safetensors(written));
    CHECK(read.metadata == written.metadata);
    CHECK(read.arrays.size() == written.arrays.size());
    for (const NamedArray& array : written.arrays) {
        CAPTURE(array.name);
        const Array* found = read.find(array.name);
        REQUIRE(found != nullptr);
        CHECK(found->type() == array.values.type());
        CHECK(std::memcmp(found->memory(), array.values.memory(), found->bytes()) == 0);
    }
    CHECK(read.find("absent") == nullptr);
    CHECK(parse(format_safetensors({})).arrays.empty());
}

TEST_CASE("a safetensors file's values") {
    SUBCASE("of wide elements come first, so that all are aligned") {
        Bytes bytes = format_safetensors(small_content());
        CHECK(parse(bytes).arrays.front().name == "steps");
        CHECK(parse(bytes).arrays.back().name == "symbols");
    }
    SUBCASE("F16 become f32: zeros, the smallest, 1, the largest, infinity") {
        Array x = vector_in_file("F16", 6, bytes_of({0, 0x80, 1, 0, 0, 0x3c, 0xff, 0x7b, 0, 0xfc, 0, 0x7e}));
        CHECK(std::signbit(x.values<float>()[0]));
        CHECK(vector_of<float>(x)[1] == 0x1p-24f);
        CHECK(vector_of<float>(x)[2] == 1);
        CHECK(vector_of<float>(x)[3] == 65504);
        CHECK(vector_of<float>(x)[4] == -INFINITY);
        CHECK(std::isnan(x.values<float>()[5]));
    }
    SUBCASE("BF16 become f32") {
        CHECK(vector_of<float>(vector_in_file("BF16", 2, bytes_of({0x80, 0x3f, 0x40, 0xc0}))) ==
              std::vector<float>{1, -3});
    }
    SUBCASE("F64 become f32") {
        CHECK(vector_of<float>(vector_in_file("F64", 1, bytes_of({0, 0, 0, 0, 0, 0, 0xf8, 0xbf}))) ==
              std::vector{-1.5f});
    }
    SUBCASE("I8, I16 and U16 become i32") {
        CHECK(vector_of<int32_t>(vector_in_file("I8", 2, bytes_of({0x80, 0x7f}))) == std::vector{-128, 127});
        CHECK(vector_of<int32_t>(vector_in_file("I16", 1, bytes_of({0, 0x80}))) == std::vector{-32768});
        CHECK(vector_of<int32_t>(vector_in_file("U16", 1, bytes_of({0, 0x80}))) == std::vector{32768});
    }
    SUBCASE("U32 become i64") {
        CHECK(vector_of<int64_t>(vector_in_file("U32", 1, bytes_of({0xff, 0xff, 0xff, 0xff}))) ==
              std::vector<int64_t>{4294967295});
    }
    SUBCASE("BOOL become u8, 0 or 1") {
        CHECK(vector_of<uint8_t>(vector_in_file("BOOL", 3, bytes_of({0, 1, 7}))) == std::vector<uint8_t>{0, 1, 1});
    }
}

TEST_CASE("a safetensors file is refused") {
    Bytes good = format_safetensors(small_content());

    SUBCASE("when cut off at any byte, or a byte too long") {
        for (size_t size = 0; size < good.size(); ++size) {
            CAPTURE(size);
            CHECK_THROWS_AS(parse_safetensors(std::span(good).first(size), "file"), DataError);
        }
        CHECK_THROWS_AS(parse(good + bytes_of({0})), DataError);
    }
    SUBCASE("when its header's length is extreme") {
        for (uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{0x7fffffff}, uint64_t{0x80000001},
                                uint64_t{0xffffffff}, uint64_t{1} << 63, ~uint64_t{0}}) {
            CAPTURE(length);
            Bytes damaged = good;
            std::memcpy(damaged.data(), &length, 8);
            CHECK_THROWS_AS(parse(damaged), DataError);
        }
    }
    SUBCASE("when a number in it is extreme") {
        Bytes       data(16);
        std::string zero = "0", four = "4", sixteen = "16";
        CHECK(parse(file_of("{\"x\":" + tensor("F32", four, zero + "," + sixteen) + "}", data)).arrays.size() == 1);
        for (std::string extreme :
             {"-1", "2147483648", "4294967295", "4294967300", "4611686018427387908", "9223372036854775808",
              "18446744073709551615", "18446744073709551616", "1e3", "1e999", "4.0", "null", "\"4\"", "[4]"}) {
            CAPTURE(extreme);
            for (std::string shape : {extreme, extreme + "," + extreme, four + "," + extreme}) {
                CHECK_THROWS_AS(parse(file_of("{\"x\":" + tensor("F32", shape, "0,16") + "}", data)), DataError);
            }
            CHECK_THROWS_AS(parse(file_of("{\"x\":" + tensor("F32", "4", "0," + extreme) + "}", data)), DataError);
            CHECK_THROWS_AS(parse(file_of("{\"x\":" + tensor("F32", "4", extreme + ",16") + "}", data)), DataError);
            CHECK_THROWS_AS(parse(file_of("{\"x\":" + tensor("F32", "4", extreme + "," + extreme) + "}", data)),
                            DataError);
        }
    }
    SUBCASE("when shape and bytes do not agree, and the message says how") {
        CHECK_THROWS_WITH_AS(parse(file_of("{\"x\":" + tensor("F32", "3", "0,16") + "}", Bytes(16))),
                             "file: tensor \"x\" of shape [3] and dtype F32 needs 12 bytes, but has 16 from byte 63 "
                             "on; get the file again or write it anew",
                             DataError);
    }
    SUBCASE("when tensors overlap") {
        CHECK_THROWS_AS(
            parse(file_of("{\"x\":" + tensor("U8", "4", "0,4") + ",\"y\":" + tensor("U8", "4", "2,6") + "}", Bytes(6))),
            DataError);
        CHECK_THROWS_AS(
            parse(file_of("{\"x\":" + tensor("U8", "4", "0,4") + ",\"y\":" + tensor("U8", "4", "0,4") + "}", Bytes(4))),
            DataError);
    }
    SUBCASE("when there is a gap before, between or behind tensors") {
        CHECK_THROWS_AS(parse(file_of("{\"x\":" + tensor("U8", "4", "1,5") + "}", Bytes(5))), DataError);
        CHECK_THROWS_AS(
            parse(file_of("{\"x\":" + tensor("U8", "2", "0,2") + ",\"y\":" + tensor("U8", "2", "3,5") + "}", Bytes(5))),
            DataError);
        CHECK_THROWS_WITH_AS(parse(file_of("{}", Bytes(5))),
                             "file: 5 bytes from byte 10 on belong to no tensor; get the file again or write it anew",
                             DataError);
    }
    SUBCASE("when a key appears twice, however it is spelt") {
        std::string none = tensor("U8", "0", "0,0");
        CHECK_THROWS_WITH_AS(parse(file_of("{\"x\":" + none + ",\"\\u0078\":" + none + "}")),
                             "file: the header has the key \"x\" twice; get the file again or write it anew",
                             DataError);
        CHECK_THROWS_AS(parse(file_of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}")), DataError);
    }
    SUBCASE("when its header is nested deeply, but not when text looks like that") {
        std::string text = "\\\\\\\"[[[[[[{{{{{{";
        CHECK(parse(file_of("{\"__metadata__\":{\"a\":\"" + text + "\"}}")).metadata.at("a") == "\\\"[[[[[[{{{{{{");
        CHECK_THROWS_WITH_AS(parse(file_of("{\"x\":[[[[]]]]}")),
                             "file: the header is nested deeper than 4; get the file again or write it anew",
                             DataError);
        CHECK_THROWS_AS(parse(file_of("{\"x\":" + std::string(1000000, '['))), DataError);
    }
    SUBCASE("when it has too many tensors") {
        std::string header = "{\"0\":" + tensor("U8", "0", "0,0");
        for (int i = 1; i < 65536; ++i) {
            header += ",\"" + std::to_string(i) + "\":" + tensor("U8", "0", "0,0");
        }
        CHECK(parse(file_of(header + "}")).arrays.size() == 65536);
        CHECK_THROWS_AS(parse(file_of(header + ",\"x\":" + tensor("U8", "0", "0,0") + "}")), DataError);
    }
    SUBCASE("when its header is a bomb of small values") {
        std::string header = "{\"x\":[0";
        for (int i = 0; i < 3000000; ++i) {
            header += ",0";
        }
        CHECK_THROWS_WITH_AS(parse(file_of(header + "]}")),
                             "file: the header has more than 2097152 keys and values; get the file again or write it "
                             "anew",
                             DataError);
    }
    SUBCASE("when its header is something else") {
        for (std::string header : {"", "[]", " {}", "{", "{}}", "{\"x\":1}", "{\"x\":{}}", "{\"x\":null}",
                                   "{\"__metadata__\":1}", "{\"__metadata__\":{\"a\":1}}", "{\"x\xff\":{}}"}) {
            CAPTURE(header);
            CHECK_THROWS_AS(parse(file_of(header)), DataError);
        }
        CHECK_THROWS_WITH_AS(parse(file_of("{\"x\":" + tensor("F8_E5M2", "0", "0,0") + "}")),
                             "file: tensor \"x\" has the unsupported dtype \"F8_E5M2\"; get the file again or write it "
                             "anew",
                             DataError);
        CHECK_THROWS_AS(parse(file_of("{\"x\":" + tensor("U8", "1,1,1,1,1,1,1,1,1", "0,1") + "}", Bytes(1))),
                        DataError);
    }
}

TEST_CASE("any bit flipped in a safetensors file gives its values or a DataError, nothing else") {
    Bytes good = format_safetensors(small_content());
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
        CAPTURE(bit);
        Bytes damaged = good;
        damaged[bit / 8] ^= std::byte{1} << (bit % 8);
        try {
            size_t arrays = parse(damaged).arrays.size();
            CHECK(arrays <= 5);
        } catch (const DataError&) {
            CHECK(bit / 8 < good.size() - 39);  // the values' own bits are not protected
        }
    }
}

TEST_CASE("safetensors cannot be written") {
    Array x({1}, std::vector<float>{1});
    SUBCASE("with a name twice") { CHECK_THROWS_AS(format_safetensors({{{"x", x}, {"x", x}}, {}}), Error); }
    SUBCASE("with the name kept for metadata") {
        CHECK_THROWS_AS(format_safetensors({{{"__metadata__", x}}, {}}), Error);
    }
    SUBCASE("with a name that is no UTF-8") { CHECK_THROWS_AS(format_safetensors({{{"\xff", x}}, {}}), Error); }
}

TEST_CASE("weights that PyTorch wrote") {
    const char* data = std::getenv("HEMP_DATA");
    if (data == nullptr) {
        MESSAGE("skipped: HEMP_DATA is not set");
        return;
    }
    Safetensors content = read_safetensors(std::string(data) + "/weights/lenet300.safetensors", 1 << 30);
    CHECK(content.arrays.size() == 6);
    REQUIRE(content.find("fc1.weight") != nullptr);
    CHECK(to_string(content.find("fc1.weight")->type()) == "f32 [300, 784]");
    for (const NamedArray& array : content.arrays) {
        CAPTURE(array.name);
        CHECK(std::ranges::all_of(array.values.values<float>(), [](float value) { return std::abs(value) < 10; }));
    }
}
