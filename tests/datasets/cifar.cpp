#include "datasets/cifar.h"

#include "tests/bytes.h"
#include "tests/folder.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

/// A record whose first pixels are those given.
Bytes record(std::initializer_list<int> labels, std::initializer_list<int> pixels) {
    Bytes bytes = bytes_of(labels) + bytes_of(pixels);
    bytes.resize(labels.size() + 3072);
    return bytes;
}

}  // namespace

TEST_CASE("a folder of CIFAR-10's binary batches") {
    TemporaryFolder folder;
    write_file_atomically(folder / "data_batch_1.bin", record({3}, {10, 11}) + record({9}, {20, 21}));
    write_file_atomically(folder / "data_batch_2.bin", record({0}, {30, 31}));
    write_file_atomically(folder / "test_batch.bin", record({1}, {40, 41}));
    auto load = [&](Part part) { return load_dataset(folder.path().string(), part); };

    SUBCASE("is recognised and read, batch after batch") {
        Dataset train = load(Part::train);
        CHECK(train.name == "cifar10");
        CHECK(to_string(train.images.shape()) == "[3, 3, 32, 32]");
        CHECK(train.labels.values<int32_t>()[1] == 9);
        CHECK(train.images[1].pixels[1] == 21);
        CHECK(train.images[2].pixels[0] == 30);
        CHECK(load(Part::test).images[0].pixels[0] == 40);
    }
    SUBCASE("takes the classes' names from batches.meta.txt") {
        CHECK(load(Part::train).classes[9] == "9");
        write_file_atomically(folder / "batches.meta.txt", bytes_of("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"));
        CHECK(load(Part::train).classes[9] == "j");
        write_file_atomically(folder / "batches.meta.txt", bytes_of("a\nb\n"));
        CHECK_THROWS_AS(load(Part::train), DataError);
    }
    SUBCASE("of a size that is no multiple of a record is refused") {
        for (size_t size : {size_t{0}, size_t{1}, size_t{3072}, size_t{3074}, size_t{6145}}) {
            CAPTURE(size);
            write_file_atomically(folder / "data_batch_2.bin", Bytes(size));
            CHECK_THROWS_AS(load(Part::train), DataError);
        }
    }
    SUBCASE("with a label above 9 is refused, and the message says where") {
        write_file_atomically(folder / "data_batch_2.bin", record({0}, {}) + record({10}, {}));
        CHECK_THROWS_WITH_AS(load(Part::train),
                             ((folder / "data_batch_2.bin").string() +
                              ": the label at byte 3073 is 10, expected 0 to 9; get the file again")
                                 .c_str(),
                             DataError);
    }
    SUBCASE("beyond the memory limit is refused, also if each file alone would fit") {
        LoadOptions options;
        options.max_memory = 3 * 3072;
        CHECK(load_dataset(folder.path().string(), Part::train, options).size() == 3);
        options.max_memory = 3 * 3072 - 1;
        CHECK_THROWS_AS(load_dataset(folder.path().string(), Part::train, options), DataError);
    }
    SUBCASE("without a test batch says so") {
        std::filesystem::remove(folder / "test_batch.bin");
        CHECK_THROWS_AS(load(Part::test), Error);
    }
}

TEST_CASE("a folder of CIFAR-100's files is read with its fine labels") {
    TemporaryFolder folder;
    write_file_atomically(folder / "train.bin", record({1, 99}, {7}));
    Dataset train = load_dataset(folder.path().string(), Part::train);
    CHECK(train.name == "cifar100");
    CHECK(train.classes.size() == 100);
    CHECK(train.labels.values<int32_t>()[0] == 99);
    CHECK(train.images[0].pixels[0] == 7);
}

TEST_CASE("CIFAR-10 itself") {
    const char* data = std::getenv("HEMP_DATA");
    if (data == nullptr) {
        MESSAGE("skipped: HEMP_DATA is not set");
        return;
    }
    Dataset train = load_dataset(std::string(data) + "/cifar10-5k", Part::train);
    CHECK(train.size() == 4000);
    CHECK(train.classes[0] == "airplane");
    CHECK(load_dataset(std::string(data) + "/cifar10-5k", Part::test).size() == 1000);
}
