#include "datasets/idx.h"

#include "core/file/file.h"
#include "tests/bytes.h"
#include "tests/folder.h"

#include <doctest/doctest.h>
#include <zlib.h>

using namespace hemp;

namespace {

const Bytes two_images_2x3 =
    bytes_of({0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3}) + bytes_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
const Bytes labels_7_and_0 = bytes_of({0, 0, 8, 1, 0, 0, 0, 2, 7, 0});

/// Writes the four files of a tiny data set in MNIST's layout.
void write_tiny_mnist(const TemporaryFolder& folder) {
    for (std::string stem : {"train", "t10k"}) {
        write_file_atomically(folder / (stem + "-images-idx3-ubyte"), two_images_2x3);
        write_file_atomically(folder / (stem + "-labels-idx1-ubyte"), labels_7_and_0);
    }
}

void write_gzip(const std::filesystem::path& path, const Bytes& bytes) {
    gzFile file = gzopen(path.c_str(), "wb");
    REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
    REQUIRE(gzclose(file) == Z_OK);
}

}  // namespace

TEST_CASE("an IDX file") {
    SUBCASE("gives its array") {
        Array array = parse_idx(two_images_2x3, "tiny");
        CHECK(to_string(array.type()) == "u8 [2, 2, 3]");
        CHECK(array.values<uint8_t>()[11] == 12);
    }
    SUBCASE("cut off at any byte is refused") {
        for (size_t size = 0; size < two_images_2x3.size(); ++size) {
            CAPTURE(size);
            CHECK_THROWS_AS(parse_idx(std::span(two_images_2x3).first(size), "tiny"), DataError);
        }
    }
    SUBCASE("with a byte too many is refused") {
        CHECK_THROWS_WITH_AS(parse_idx(two_images_2x3 + bytes_of({0}), "tiny"),
                             "tiny: 13 bytes of values from byte 16 on, expected 12; get the file again", DataError);
    }
    SUBCASE("with any bit of its header flipped is refused") {
        for (size_t bit = 0; bit < 16 * 8; ++bit) {
            CAPTURE(bit);
            Bytes damaged = two_images_2x3;
            damaged[bit / 8] ^= std::byte{1} << (bit % 8);
            CHECK_THROWS_AS(parse_idx(damaged, "tiny"), DataError);
        }
    }
    SUBCASE("with an extreme length anywhere is refused before memory is taken") {
        for (size_t first : {4u, 8u, 12u}) {
            for (size_t second : {4u, 8u, 12u}) {
                for (uint32_t value : {0u, 0x7fffffffu, 0x80000000u, 0x80000001u, 0xffffffffu}) {
                    Bytes damaged = two_images_2x3;
                    for (size_t i = 0; i < 4; ++i) {
                        damaged[first + i]  = std::byte(value >> (24 - 8 * i));
                        damaged[second + i] = damaged[first + i];
                    }
                    CHECK_THROWS_AS(parse_idx(damaged, "tiny"), DataError);
                }
            }
        }
    }
    SUBCASE("of other elements than bytes is refused by name") {
        CHECK_THROWS_WITH_AS(parse_idx(bytes_of({0, 0, 0x0d, 1, 0, 0, 0, 0}), "tiny"),
                             "tiny: byte 2 gives element type 0x0d, expected 0x08 (unsigned bytes); others are "
                             "unsupported",
                             DataError);
    }
}

TEST_CASE("a folder in MNIST's layout") {
    TemporaryFolder folder;
    write_tiny_mnist(folder);
    auto load = [&] { return load_dataset(folder.path().string(), Part::train); };

    SUBCASE("is recognised and read") {
        Dataset dataset = load();
        CHECK(dataset.name == "mnist");
        CHECK(to_string(dataset.images.shape()) == "[2, 1, 2, 3]");
        CHECK(dataset.images[1].pixels[0] == 7);
        CHECK(dataset.labels.values<int32_t>()[0] == 7);
        CHECK(dataset.labels.values<int32_t>()[1] == 0);
    }
    SUBCASE("may be packed by gzip") {
        std::filesystem::remove(folder / "train-images-idx3-ubyte");
        write_gzip(folder / "train-images-idx3-ubyte.gz", two_images_2x3);
        CHECK(load().images[1].pixels[0] == 7);
    }
    SUBCASE("without a file says which") {
        std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
        CHECK_THROWS_WITH_AS(load_dataset(folder.path().string(), Part::test),
                             (folder.path().string() + ": neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte.gz "
                                                       "is there; put the file into the folder")
                                 .c_str(),
                             Error);
    }
    SUBCASE("with a label too few is refused") {
        write_file_atomically(folder / "train-labels-idx1-ubyte", bytes_of({0, 0, 8, 1, 0, 0, 0, 1, 7}));
        CHECK_THROWS_AS(load(), DataError);
    }
    SUBCASE("with a label above 9 is refused, and the message says where") {
        write_file_atomically(folder / "train-labels-idx1-ubyte", bytes_of({0, 0, 8, 1, 0, 0, 0, 2, 7, 10}));
        CHECK_THROWS_WITH_AS(load(),
                             ((folder / "train-labels-idx1-ubyte").string() +
                              ": label 1 (byte 9 of the unpacked file) is 10, expected 0 to 9; get the file again")
                                 .c_str(),
                             DataError);
    }
    SUBCASE("with labels in place of images is refused") {
        write_file_atomically(folder / "train-images-idx3-ubyte", labels_7_and_0);
        CHECK_THROWS_AS(load(), DataError);
    }
    SUBCASE("beyond the memory limit is refused") {
        CHECK_THROWS_AS(load_dataset(folder.path().string(), Part::train, {.format = "", .max_memory = 20}), DataError);
    }
}

TEST_CASE("MNIST itself") {
    const char* data = std::getenv("HEMP_DATA");
    if (data == nullptr) {
        MESSAGE("skipped: HEMP_DATA is not set");
        return;
    }
    Dataset train = load_dataset(std::string(data) + "/mnist", Part::train);
    Dataset test  = load_dataset(std::string(data) + "/mnist", Part::test);
    CHECK(to_string(train.images.shape()) == "[60000, 1, 28, 28]");
    CHECK(to_string(test.images.shape()) == "[10000, 1, 28, 28]");
    std::span<const int32_t> labels = train.labels.values<int32_t>();
    CHECK(std::vector(labels.begin(), labels.begin() + 8) == std::vector<int32_t>{5, 0, 4, 1, 9, 2, 1, 3});
}
