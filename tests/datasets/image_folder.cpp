#include "datasets/image_folder.h"

#include "datasets/image.h"
#include "datasets/png.h"
#include "datasets/resample.h"
#include "datasets/stb_image_write.h"
#include "tests/bytes.h"
#include "tests/folder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

using namespace hemp;

namespace fs = std::filesystem;

namespace {

void append(void* bytes, void* data, int size) {
    const auto* begin = static_cast<const std::byte*>(data);
    static_cast<Bytes*>(bytes)->insert(static_cast<Bytes*>(bytes)->end(), begin, begin + size);
}

/// A picture, 4 rows of 6, in which every value differs.
std::vector<uint8_t> picture(int channels) {
    std::vector<uint8_t> pixels(static_cast<size_t>(24 * channels));
    for (size_t i = 0; i < pixels.size(); ++i) {
        pixels[i] = static_cast<uint8_t>(3 * i);
    }
    return pixels;
}

Bytes png(int channels) {
    Bytes bytes;
    stbi_write_png_to_func(append, &bytes, 6, 4, channels, picture(channels).data(), 6 * channels);
    return bytes;
}

Bytes jpeg(int channels, int width = 6) {
    Bytes                bytes;
    std::vector<uint8_t> grey(static_cast<size_t>(4 * width * channels), 120);
    stbi_write_jpg_to_func(append, &bytes, width, 4, channels, grey.data(), 90);
    return bytes;
}

/// Sets 4 bytes to a big-endian integer.
Bytes with_integer(Bytes bytes, size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) {
        bytes[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
    }
    return bytes;
}

Bytes with_flipped_bit(Bytes bytes, size_t bit) {
    bytes.at(bit / 8) ^= std::byte{1} << (bit % 8);
    return bytes;
}

}  // namespace

TEST_CASE("an image file") {
    SUBCASE("in PNG gives its pixels, channel by channel") {
        Array image = decode_image(png(3), 3, "image");
        CHECK(to_string(image.type()) == "u8 [3, 4, 6]");
        CHECK(image.values<uint8_t>()[0] == 0);
        CHECK(image.values<uint8_t>()[1] == 9);
        CHECK(image.values<uint8_t>()[24] == 3);
    }
    SUBCASE("in grey can become three equal channels") {
        Array image = decode_image(png(1), 3, "image");
        CHECK(image.values<uint8_t>()[5] == 15);
        CHECK(image.values<uint8_t>()[5 + 24] == 15);
        CHECK(image.values<uint8_t>()[5 + 48] == 15);
    }
    SUBCASE("in JPEG gives nearly its pixels") {
        Array image = decode_image(jpeg(3), 1, "image");
        CHECK(to_string(image.type()) == "u8 [1, 4, 6]");
        for (uint8_t value : image.values<uint8_t>()) {
            CHECK(std::abs(value - 120) <= 3);
        }
    }
    SUBCASE("says its size and colours by its header") {
        ImageInfo info = inspect_image(png(3), "image");
        CHECK(info.height == 4);
        CHECK(info.width == 6);
        CHECK(info.colour);
        CHECK_FALSE(inspect_image(png(1), "image").colour);
    }
    SUBCASE("cut off at any byte is refused") {
        for (const Bytes& good : {png(3), jpeg(3)}) {
            for (size_t size = 0; size < good.size(); ++size) {
                CAPTURE(size);
                CHECK_THROWS_AS(decode_image(std::span(good).first(size), 3, "image"), DataError);
            }
        }
    }
    SUBCASE("with any bit flipped is refused if it is a PNG, which has checksums") {
        for (size_t bit = 0; bit < png(3).size() * 8; ++bit) {
            CAPTURE(bit);
            CHECK_THROWS_WITH_AS(decode_image(with_flipped_bit(png(3), bit), 3, "image"), doctest::Contains("image: "),
                                 DataError);
        }
    }
    SUBCASE("with any bit flipped gives an image or a DataError if it is a JPEG, nothing else") {
        for (size_t bit = 0; bit < jpeg(3).size() * 8; ++bit) {
            CAPTURE(bit);
            try {
                decode_image(with_flipped_bit(jpeg(3), bit), 3, "image");
            } catch (const DataError& error) {
                CHECK(std::string(error.what()).find("image: ") == 0);
            }
        }
    }
    SUBCASE("with an extreme size in its header is refused before memory is taken") {
        constexpr size_t width_at  = 16;
        constexpr size_t height_at = 20;
        for (uint32_t value : {0u, 16385u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
            CAPTURE(value);
            CHECK_THROWS_AS(inspect_image(with_integer(png(1), width_at, value), "image"), DataError);
            CHECK_THROWS_AS(inspect_image(with_integer(png(1), height_at, value), "image"), DataError);
        }
        CHECK_THROWS_WITH_AS(
            inspect_image(with_integer(with_integer(png(1), width_at, 16384), height_at, 16384), "image"),
            "image: the image has 16384 x 16384 pixels, at most 64 million and 16384 on a side are allowed; use a "
            "smaller one",
            DataError);
        CHECK_THROWS_WITH_AS(
            inspect_image(with_integer(with_integer(png(1), width_at, 20000), height_at, 0xffffffff), "image"),
            "image: the image has 4294967295 x 20000 pixels, at most 64 million and 16384 on a side are allowed; use a "
            "smaller one",
            DataError);
    }
    SUBCASE("in JPEG with an extreme size is refused with the same message") {
        Bytes  large = jpeg(3);
        Bytes  mark  = bytes_of({0xff, 0xc0});
        size_t at =
            static_cast<size_t>(std::search(large.begin(), large.end(), mark.begin(), mark.end()) - large.begin());
        REQUIRE(at + 9 < large.size());
        large[at + 7] = std::byte{0x40};  // the width's first byte
        large[at + 8] = std::byte{0x01};
        CHECK_THROWS_WITH_AS(inspect_image(large, "image"),
                             doctest::Contains(" x 16385 pixels, at most 64 million and "
                                               "16384 on a side are allowed; use a "),
                             DataError);
        large[at + 8] = std::byte{0x00};
        CHECK(inspect_image(large, "image").width == 16384);
    }
    SUBCASE("in JPEG with a Huffman table of too many codes is refused") {
        Bytes  bad  = jpeg(3);
        Bytes  mark = bytes_of({0xff, 0xc4});
        size_t at   = static_cast<size_t>(std::search(bad.begin(), bad.end(), mark.begin(), mark.end()) - bad.begin());
        REQUIRE(at < bad.size());
        size_t table   = at + 4;
        bad[table + 1] = std::byte{0xff};
        bad[table + 2] = std::byte{0xff};
        CHECK_THROWS_WITH_AS(decode_image(bad, 3, "image"), doctest::Contains("image: the Huffman table at byte "),
                             DataError);
    }
    SUBCASE("in JPEG without the Huffman tables that its scan names gives the same pixels each time, or is refused") {
        Bytes bad     = jpeg(3);
        Bytes mark    = bytes_of({0xff, 0xc4});
        auto  segment = std::search(bad.begin(), bad.end(), mark.begin(), mark.end());
        REQUIRE(bad.end() - segment > 4);
        int length = std::to_integer<int>(segment[2]) << 8 | std::to_integer<int>(segment[3]);
        bad.erase(segment, segment + 2 + length);
        auto decoded = [&]() -> std::string {
            try {
                Array image = decode_image(bad, 3, "image");
                return {image.values<uint8_t>().begin(), image.values<uint8_t>().end()};
            } catch (const DataError& error) {
                return error.what();
            }
        };
        std::string first = decoded();
        for (size_t size :
             {size_t{1} << 12, size_t{1} << 15, size_t{1} << 18}) {  // what the decoder may find in memory
            std::vector<uint8_t>(size, 0xa5);
            CHECK(decoded() == first);
        }
    }
    SUBCASE("in JPEG with bytes before it is refused") {
        CHECK_THROWS_AS(decode_image(bytes_of({0xff}) + jpeg(3), 3, "image"), DataError);
    }
    SUBCASE("of another kind is refused") {
        CHECK_THROWS_AS(decode_image(bytes_of("GIF89a......"), 3, "image"), DataError);
    }
}

namespace {

/// The whole of an image in another size.
Array resize_image(const Array& image, int64_t height, int64_t width) {
    Array result({{image.shape()[0], height, width}, DType::u8});
    resample(view(image), {0, 0, static_cast<double>(image.shape()[1]), static_cast<double>(image.shape()[2])},
             view(result));
    return result;
}

}  // namespace

TEST_CASE("an image comes back from its PNG") {
    std::mt19937 random(7);
    for (int channels : {1, 3}) {
        Array image(Type{{channels, 5, 3}, DType::u8});
        std::ranges::generate(image.values<uint8_t>(), [&] { return static_cast<uint8_t>(random()); });
        Array back = decode_image(encode_png(view(std::as_const(image))), channels, "image");
        CHECK(back.shape() == image.shape());
        CHECK(std::ranges::equal(back.values<uint8_t>(), image.values<uint8_t>()));
    }
    Array image(Type{{2, 5, 3}, DType::u8});
    CHECK_THROWS_AS(encode_png(view(std::as_const(image))), UsageError);
}

TEST_CASE("resizing an image") {
    Array four({1, 2, 2}, std::vector<uint8_t>{0, 100, 100, 200});
    SUBCASE("to its own size changes nothing") {
        CHECK(std::ranges::equal(resize_image(four, 2, 2).values<uint8_t>(), four.values<uint8_t>()));
    }
    SUBCASE("to one pixel gives the mean") { CHECK(resize_image(four, 1, 1).values<uint8_t>()[0] == 100); }
    SUBCASE("shrinks by areas") {
        Array three({1, 1, 3}, std::vector<uint8_t>{0, 90, 240});
        Array two = resize_image(three, 1, 2);
        CHECK(two.values<uint8_t>()[0] == 30);   // (0 + 90 / 2) / 1.5
        CHECK(two.values<uint8_t>()[1] == 190);  // (90 / 2 + 240) / 1.5
    }
    SUBCASE("grows along lines and never beyond the range") {
        Array line({1, 1, 2}, std::vector<uint8_t>{0, 200});
        Array grown = resize_image(line, 1, 4);
        CHECK(std::ranges::equal(grown.values<uint8_t>(), std::vector<uint8_t>{0, 50, 150, 200}));
    }
    SUBCASE("of one colour keeps that colour at any size") {
        Array plain({3, 5, 7}, std::vector<uint8_t>(105, 201));
        for (int64_t size : {1, 2, 3, 5, 8, 13, 100}) {
            Array resized = resize_image(plain, size, size + 1);
            CHECK(std::ranges::count(resized.values<uint8_t>(), 201) == resized.size());
        }
    }
}

TEST_CASE("an image is read as the network wants it") {
    TemporaryFolder folder;
    write_file_atomically(folder / "image.png", png(3));
    CHECK(read_image(folder / "image.png", {1, 28, 28}).shape() == Shape{1, 28, 28});
    CHECK(read_image(folder / "image.png", {3, 4, 6}).values<uint8_t>()[1] == 9);
    try {
        read_image(folder / "absent.png", {3, 4, 6});
        FAIL("an absent file was read");
    } catch (const DataError&) {
        FAIL("an absent file is no damaged one");
    } catch (const Error& error) {
        CHECK(std::string(error.what()).find("absent.png") != std::string::npos);
    }
    REQUIRE(mkfifo((folder / "pipe.png").c_str(), 0600) == 0);
    std::filesystem::create_symlink("nowhere.png", folder / "link.png");
    for (const char* other : {"pipe.png", "link.png", "."}) {
        CAPTURE(other);
        CHECK_THROWS_AS(read_image(folder / other, {3, 4, 6}), DataError);
    }
}

TEST_CASE("a folder of images, decoded by threads") {
    TemporaryFolder folder;
    for (std::string name : {"train/dog", "train/cat", "test/dog"}) {
        fs::create_directories(folder / name);
    }
    write_file_atomically(folder / "train/dog/b.png", png(3));
    write_file_atomically(folder / "train/dog/a.JPG", jpeg(3));
    write_file_atomically(folder / "train/cat/c.jpeg", jpeg(1));
    write_file_atomically(folder / "train/cat/.hidden.jpg", bytes_of("no image"));
    write_file_atomically(folder / "test/dog/d.png", png(1));
    auto load = [&](Part part, LoadOptions options = {}) {
        return load_dataset(folder.path().string(), part, options);
    };

    SUBCASE("is recognised and read, ordered by class and name") {
        Dataset train = load(Part::train);
        CHECK(train.classes == std::vector<std::string>{"cat", "dog"});
        CHECK(to_string(train.images.shape()) == "[3, 3, 4, 6]");
        CHECK(std::ranges::equal(train.labels.values<int32_t>(), std::vector{0, 1, 1}));
        CHECK(train.images[2].pixels[1] == 9);
        CHECK(train.notes.empty());
    }
    SUBCASE("notes files that are no images, and classes without any") {
        write_file_atomically(folder / "train/cat/notes.txt", bytes_of("no image"));
        write_file_atomically(folder / "train/dog/e.bmp", bytes_of("no image"));
        Dataset train = load(Part::train);
        CHECK(train.size() == 3);
        CHECK(train.notes == std::vector<std::string>{(folder / "train").string() +
                                                      ": 2 files are not named .jpg, .jpeg or .png, such as " +
                                                      (folder / "train/cat/notes.txt").string() + ": left out"});
        CHECK(load(Part::test).notes == std::vector<std::string>{(folder / "test").string() +
                                                                 ": has no images of 1 of the 2 classes, such as cat"});
    }
    SUBCASE("has one channel if all its images are grey") {
        Dataset test = load(Part::test);
        CHECK(to_string(test.images.shape()) == "[1, 1, 4, 6]");
        CHECK(test.images[0].pixels[5] == 15);
        CHECK(test.labels.values<int32_t>()[0] == 1);
    }
    SUBCASE("with a bad image names it") {
        write_file_atomically(folder / "train/dog/b.png", bytes_of("damage"));
        try {
            load(Part::train);
            FAIL("a bad image was accepted");
        } catch (const DataError& error) {
            CHECK(std::string(error.what()).find((folder / "train/dog/b.png").string() + ": ") == 0);
        }
    }
    SUBCASE("can go on without its bad images, and says which") {
        write_file_atomically(folder / "train/cat/c.jpeg", bytes_of("damage"));
        Dataset train = load(Part::train, {.format = "", .on_bad_image = OnBadImage::skip});
        CHECK(train.size() == 2);
        CHECK(train.images.shape()[0] == 2);
        REQUIRE(train.skipped.size() == 1);
        CHECK(train.skipped[0].find((folder / "train/cat/c.jpeg").string()) == 0);
    }
    SUBCASE("takes what is no file for a bad image, and does not wait for it") {
        fs::create_directories(folder / "train/cat/folder.png");
        fs::create_symlink("nowhere", folder / "train/cat/link.jpg");
        REQUIRE(::mkfifo((folder / "train/cat/pipe.png").c_str(), 0600) == 0);
        CHECK_THROWS_WITH_AS(load(Part::train),
                             ((folder / "train/cat/folder.png").string() +
                              ": is no file with an image (perhaps a folder, a pipe or a broken link); remove it")
                                 .c_str(),
                             DataError);
        CHECK(load(Part::train, {.format = "", .on_bad_image = OnBadImage::skip}).skipped.size() == 3);
    }
    SUBCASE("is not decoded in more memory than allowed") {
        LoadOptions options;
        options.max_memory = 4000;  // enough for the files and the decoded images, not for a decoder
        CHECK_THROWS_WITH_AS(load(Part::train, options), doctest::Contains("allow more with --max-memory"), DataError);
    }
    SUBCASE("without any good image is refused") {
        write_file_atomically(folder / "test/dog/d.png", bytes_of("damage"));
        CHECK_THROWS_AS(load(Part::test, {.format = "", .on_bad_image = OnBadImage::skip}), DataError);
    }
    SUBCASE("with images of two sizes is refused, and the message names both") {
        write_file_atomically(folder / "train/dog/b.png", jpeg(3, 7));
        CHECK_THROWS_WITH_AS(load(Part::train),
                             ((folder / "train/dog/b.png").string() + ": the image has 4 x 7 pixels, but " +
                              (folder / "train/cat/c.jpeg").string() + " has 4 x 6; resize them to one size")
                                 .c_str(),
                             DataError);
    }
    SUBCASE("gives the same with any number of threads, and the first of several bad images is named") {
        for (int i = 0; i < 40; ++i) {
            write_file_atomically(folder / ("train/dog/" + std::to_string(i) + ".png"), png(1 + i % 2 * 2));
        }
        LoadOptions options;
        Dataset     one = load(Part::train, options);
        options.threads = 5;
        Dataset five    = load(Part::train, options);
        REQUIRE(five.size() == 43);
        for (int64_t i = 0; i < 43; ++i) {
            CHECK(std::ranges::equal(one.images.bytes_of(i), five.images.bytes_of(i)));
        }
        for (int i = 20; i < 30; ++i) {
            write_file_atomically(folder / ("train/dog/" + std::to_string(i) + ".png"), bytes_of("damage"));
        }
        CHECK_THROWS_WITH_AS(load(Part::train, options), doctest::Contains("dog/20.png: "), DataError);
        options.on_bad_image = OnBadImage::skip;
        Dataset good         = load(Part::train, options);
        CHECK(good.size() == 33);
        REQUIRE(good.skipped.size() == 10);
        CHECK(good.skipped[9].find("dog/29.png") != std::string::npos);
    }
    SUBCASE("for a network has its channels, and the size of small images of one size") {
        LoadOptions options;
        options.image = {1, 28, 28};
        Dataset train = load(Part::train, options);
        CHECK(to_string(train.images.shape()) == "[3, 1, 4, 6]");
        options.image = {3, 28, 28};
        CHECK(to_string(load(Part::test, options).images.shape()) == "[1, 3, 4, 6]");
    }
    SUBCASE("for a network has one size where images differ or are larger than it needs") {
        LoadOptions options;
        options.image = {3, 7, 7};
        write_file_atomically(folder / "train/dog/b.png", jpeg(3, 7));
        Dataset differ = load(Part::train, options);
        CHECK(to_string(differ.images.shape()) == "[3, 3, 8, 8]");
        for (uint8_t value : differ.images.bytes_of(2)) {
            CHECK(std::abs(value - 120) <= 3);
        }
        options.image = {3, 3, 3};
        Dataset large = load(Part::test, options);
        CHECK(to_string(large.images.shape()) == "[1, 3, 3, 3]");
        Array whole = decode_image(png(1), 3, "image");
        Array expected({{3, 3, 3}, DType::u8});
        resample(view(whole), centre_box(view(whole), 3, 3), view(expected));
        CHECK(std::ranges::equal(large.images.bytes_of(0), expected.values<uint8_t>()));
    }
    SUBCASE("is decoded once when there is a cache") {
        fs::create_directories(folder / "cache");
        LoadOptions options;
        options.cache = folder / "cache" / "inner";
        auto packs    = [&] { return std::distance(fs::directory_iterator(options.cache), fs::directory_iterator()); };
        auto equal    = [](const Dataset& a, const Dataset& b) {
            bool same = a.size() == b.size() && a.images.shape() == b.images.shape() &&
                        std::ranges::equal(a.labels.values<int32_t>(), b.labels.values<int32_t>());
            for (int64_t i = 0; same && i < a.size(); ++i) {
                same = std::ranges::equal(a.images.bytes_of(i), b.images.bytes_of(i));
            }
            return same;
        };
        Dataset decoded = load(Part::train);
        Dataset first   = load(Part::train, options);
        CHECK(equal(first, decoded));
        CHECK(first.notes.empty());
        CHECK(packs() == 1);

        fs::path path = folder / "train/dog/b.png";
        auto     time = fs::last_write_time(path);
        Bytes    old  = read_file(path, 1 << 20);

        SUBCASE("and not again: the pack is not written anew") {
            fs::path pack = fs::directory_iterator(options.cache)->path();
            fs::last_write_time(pack, time - std::chrono::hours(1));
            Dataset second = load(Part::train, options);
            CHECK(equal(second, decoded));
            CHECK(second.notes.empty());
            CHECK(fs::last_write_time(pack) == time - std::chrono::hours(1));
        }
        SUBCASE("again when other content has the same name, size and time of modification") {
            write_file_atomically(path, Bytes(old.size()));
            fs::last_write_time(path, time);
            CHECK_THROWS_AS(load(Part::train, options), DataError);
        }
        SUBCASE("again after a change of any file's time, and the change is seen") {
            write_file_atomically(path, png(1) == old ? png(3) : png(1));
            fs::last_write_time(path, time + std::chrono::nanoseconds(1000));
            CHECK_FALSE(equal(load(Part::train, options), decoded));
            CHECK(packs() == 1);
        }
        SUBCASE("again after a new name") {
            fs::rename(path, folder / "train/dog/A.png");
            CHECK(load(Part::train, options).images[1].pixels[1] != decoded.images[1].pixels[1]);
        }
        SUBCASE("again when the file is damaged, with a note") {
            fs::path pack  = fs::directory_iterator(options.cache)->path();
            Bytes    bytes = read_file(pack, 1 << 20);
            Bytes    bad   = bytes;
            bad.back() ^= std::byte{1};
            for (const Bytes& content : {bad, Bytes(bytes.begin(), bytes.begin() + 50), Bytes()}) {
                write_file_atomically(pack, content);
                Dataset again = load(Part::train, options);
                CHECK(equal(again, decoded));
                REQUIRE(again.notes.size() == 1);
                CHECK(again.notes[0].find(pack.string() + ": ") == 0);
                CHECK(again.notes[0].find("made again") != std::string::npos);
                CHECK(read_file(pack, 1 << 20) == bytes);
            }
        }
        SUBCASE("for each part and each network") {
            load(Part::test, options);
            CHECK(packs() == 2);
            options.image = {3, 28, 28};
            load(Part::test, options);
            CHECK(packs() == 3);
        }
        SUBCASE("with its bad images, which are as bad as before") {
            write_file_atomically(path, Bytes(old.size()));
            options.on_bad_image = OnBadImage::skip;
            Dataset decoded_skip = load(Part::train, options);
            Dataset cached_skip  = load(Part::train, options);
            CHECK(cached_skip.skipped == decoded_skip.skipped);
            CHECK(cached_skip.skipped.size() == 1);
            CHECK(equal(cached_skip, decoded_skip));
            options.on_bad_image = OnBadImage::fail;
            CHECK_THROWS_WITH_AS(load(Part::train, options), decoded_skip.skipped[0].c_str(), DataError);
        }
    }
    SUBCASE("with an empty class is refused") {
        fs::create_directories(folder / "train/emu");
        CHECK_THROWS_AS(load(Part::train), DataError);
    }
    SUBCASE("with a class that only the test part has is refused") {
        fs::create_directories(folder / "test/emu");
        CHECK_THROWS_AS(load(Part::test), DataError);
    }
    SUBCASE("beyond the memory limit is refused, but where there is a cache") {
        LoadOptions options;
        options.max_memory = 20000;
        fs::remove(folder / "train/dog/a.JPG");
        fs::remove(folder / "train/dog/b.png");
        for (int i = 0; i < 300; ++i) {
            write_file_atomically(folder / ("train/dog/" + std::to_string(i) + ".png"), png(1));
        }
        CHECK_THROWS_AS(load(Part::train, options), DataError);

        // With a cache the disk holds them.
        Dataset whole = load(Part::train);
        options.cache = folder / "cache";
        for (const char* from : {"decoded", "cached"}) {
            CAPTURE(from);
            Dataset again = load(Part::train, options);
            REQUIRE(again.images.shape() == whole.images.shape());
            for (int64_t i = 0; i < whole.size(); ++i) {
                CHECK(std::ranges::equal(again.images.bytes_of(i), whole.images.bytes_of(i)));
            }
            CHECK(again.notes.empty());
        }
        CHECK(std::distance(fs::directory_iterator(options.cache), {}) == 1);
        write_file_atomically(folder / "file", png(1));
        options.cache = folder / "file" / "cache";
        CHECK_THROWS_WITH_AS(load(Part::train, options), doctest::Contains("with --max-memory"), DataError);
    }
    SUBCASE("without a test part says so") {
        fs::remove_all(folder / "test");
        CHECK_THROWS_AS(load(Part::test), Error);
    }
}
