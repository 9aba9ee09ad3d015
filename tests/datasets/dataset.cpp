#include "datasets/dataset.h"

#include "datasets/digits.h"
#include "tests/bytes.h"
#include "tests/folder.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace hemp;

TEST_CASE("a data set's source") {
    SUBCASE("\"digits\" is the built-in one") {
        CHECK(load_dataset("digits", Part::train).size() == train_digits);
        CHECK(load_dataset("digits", Part::test).size() == test_digits);
    }
    SUBCASE("that does not exist is refused") {
        CHECK_THROWS_WITH_AS(load_dataset("/no/such/folder", Part::train),
                             "/no/such/folder: no such folder; give a folder with a data set, or \"digits\" for the "
                             "built-in one",
                             UsageError);
    }
    SUBCASE("in no known layout is refused, and the message says what is there") {
        TemporaryFolder folder;
        write_file_atomically(folder / "notes.txt", bytes_of("nothing to learn"));
        try {
            load_dataset(folder.path().string(), Part::train);
            FAIL("a folder without data was accepted");
        } catch (const UsageError& error) {
            std::string text = error.what();
            CHECK(text.find("looked for train-images-idx3-ubyte[.gz] (mnist)") != std::string::npos);
            CHECK(text.find("found notes.txt") != std::string::npos);
        }
    }
    SUBCASE("that is a folder is not taken for the built-in one") {
        CHECK_THROWS_WITH_AS(load_dataset("/no/such/folder", Part::train, {.format = "digits"}),
                             doctest::Contains("lie in no folder"), UsageError);
    }
    SUBCASE("of an unknown format is refused") {
        TemporaryFolder folder;
        CHECK_THROWS_AS(load_dataset(folder.path().string(), Part::train, {.format = "parquet"}), UsageError);
    }
}

TEST_CASE("a subset has the images asked for, in that order") {
    Dataset              all = digits(Part::train, 30);
    std::vector<int64_t> indices{29, 3, 3};
    Dataset              some = subset(all, indices);
    CHECK(some.size() == 3);
    CHECK(some.labels.values<int32_t>()[0] == 9);
    CHECK(some.labels.values<int32_t>()[1] == 3);
    CHECK(some.images.bytes_of(2).data() == all.images.bytes_of(3).data());  // the same memory
    CHECK(subset(some, std::vector<int64_t>{1, 0}).images.bytes_of(1).data() == all.images.bytes_of(29).data());
    CHECK_THROWS_AS(subset(all, std::vector<int64_t>{30}), ShapeError);
    CHECK_THROWS_AS(subset(all, std::vector<int64_t>{-1}), ShapeError);
}

TEST_CASE("holding out") {
    // Each image says its own index, so that it can be followed.
    Array numbers({{120, 1, 28, 28}, DType::u8});
    for (size_t i = 0; i < 120; ++i) {
        numbers.values<uint8_t>()[i * 784] = static_cast<uint8_t>(i);
    }
    Dataset all  = digits(Part::train, 120);
    all.images   = Images(std::move(numbers));
    auto indices = [](const Dataset& dataset) {
        std::vector<int> result;
        for (int64_t i = 0; i < dataset.size(); ++i) {
            result.push_back(dataset.images[i].pixels[0]);
        }
        return result;
    };
    Holdout parts = hold_out(all, 5);

    SUBCASE("takes a twelfth for validation") {
        CHECK(parts.train.size() == 110);
        CHECK(parts.validation.size() == 10);
    }
    SUBCASE("puts each image into one of the parts") {
        std::vector<int> both = indices(parts.train);
        for (int index : indices(parts.validation)) {
            both.push_back(index);
        }
        std::sort(both.begin(), both.end());
        for (int i = 0; i < 120; ++i) {
            CHECK(both[static_cast<size_t>(i)] == i);
        }
    }
    SUBCASE("depends on the seed alone") {
        CHECK(indices(hold_out(all, 5).validation) == indices(parts.validation));
        CHECK(indices(hold_out(all, 6).validation) != indices(parts.validation));
    }
}
