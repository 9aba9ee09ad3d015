#include "datasets/pack.h"

#include "core/error.h"
#include "tests/bytes.h"
#include "tests/folder.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace hemp;

namespace {

const std::string key(pack_key_digits, 'k');

Pack sample() {
    Array images({{3, 1, 2, 2}, DType::u8});
    for (size_t i = 0; i < 12; ++i) {
        images.values<uint8_t>()[i] = static_cast<uint8_t>(i + 1);
    }
    return {Images(std::move(images)), Array(Shape{3}, std::vector<int32_t>{0, 2, 1}), {"a.png: is bad; remove it"}};
}

}  // namespace

TEST_CASE("a packed cache") {
    TemporaryFolder folder;
    auto            path = folder / "x.pack";
    write_pack(path, key, sample());

    SUBCASE("gives back what was put in") {
        Pack pack = read_pack(path, key, 3).value();
        CHECK(to_string(pack.images.shape()) == "[3, 1, 2, 2]");
        for (int64_t i = 0; i < 3; ++i) {
            CHECK(std::ranges::equal(pack.images.bytes_of(i), sample().images.bytes_of(i)));
        }
        CHECK(std::ranges::equal(pack.labels.values<int32_t>(), std::vector{0, 2, 1}));
        CHECK(pack.skipped == sample().skipped);
    }
    SUBCASE("stays readable when its file is replaced") {
        Pack pack = read_pack(path, key, 3).value();
        Pack other;
        other.images = sample().images.selected(std::vector<int64_t>{2});
        other.labels = Array(Shape{1}, std::vector<int32_t>{0});
        write_pack(path, key, other);
        CHECK(pack.images[2].pixels[3] == 12);
        CHECK(read_pack(path, key, 3)->images[0].pixels[0] == 9);
    }
    SUBCASE("holds selected images in their order") {
        Pack pack   = sample();
        pack.images = pack.images.selected(std::vector<int64_t>{2, 0, 1});
        write_pack(path, key, pack);
        Pack back = read_pack(path, key, 3).value();
        CHECK(back.images[0].pixels[0] == 9);
        CHECK(back.images[1].pixels[0] == 1);
        CHECK(back.images[2].pixels[0] == 5);
    }
    SUBCASE("of other sources is none") { CHECK_FALSE(read_pack(path, std::string(pack_key_digits, 'x'), 3)); }
    SUBCASE("with a label out of range is refused") { CHECK_THROWS_AS(read_pack(path, key, 2), DataError); }
    SUBCASE("that is not there is an error") { CHECK_THROWS_AS(read_pack(folder / "none", key, 3), Error); }

    Bytes good = read_file(path, 1 << 20);
    SUBCASE("cut off or longer at any byte is refused") {
        for (size_t size = 0; size < good.size(); ++size) {
            CAPTURE(size);
            CHECK_THROWS_AS(parse_pack(std::span(good).first(size), "x"), DataError);
            write_file_atomically(path, std::span(good).first(size));
            CHECK_THROWS_AS(read_pack(path, key, 3), DataError);
        }
        CHECK_THROWS_AS(parse_pack(good + bytes_of({0}), "x"), DataError);
    }
    SUBCASE("with any bit flipped is refused") {
        for (size_t bit = 0; bit < good.size() * 8; ++bit) {
            CAPTURE(bit);
            Bytes damaged = good;
            damaged[bit / 8] ^= std::byte{1} << (bit % 8);
            CHECK_THROWS_AS(parse_pack(damaged, "x"), DataError);
        }
    }
    SUBCASE("with extreme numbers and a checksum that fits is refused") {
        for (size_t at : {size_t{12}, size_t{16}, size_t{20}, size_t{24}, size_t{28}, size_t{32}, size_t{36}}) {
            for (int value : {0, 0xff, 0x80}) {
                CAPTURE(at);
                CAPTURE(value);
                Bytes damaged = good;
                std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(at), 4, static_cast<std::byte>(value));
                if (damaged == good) {
                    continue;
                }
                seal_pack(damaged);
                CHECK_THROWS_AS(parse_pack(damaged, "x"), DataError);
            }
        }
    }
    SUBCASE("with a reason longer than its section is refused") {
        constexpr size_t reason_at = 104 + 3 * 4;
        Bytes            damaged   = good;
        damaged[reason_at]         = std::byte{0xff};
        seal_pack(damaged);
        CHECK_THROWS_WITH_AS(parse_pack(damaged, "x"), doctest::Contains("x: the text at byte 116 has 255 bytes"),
                             DataError);
    }
}
