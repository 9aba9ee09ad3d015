#include "datasets/loader.h"

#include "datasets/digits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace hemp;

namespace {

/// All batches of an epoch, from a step on.
std::vector<Batch> batches_of(const Dataset& dataset, const LoaderOptions& options, int64_t epoch, int64_t step = 0) {
    Loader loader(dataset, options);
    loader.start_epoch(epoch, step);
    std::vector<Batch> batches;
    for (Batch batch; loader.next(batch);) {
        batches.push_back(batch);
    }
    return batches;
}

bool same(const Batch& a, const Batch& b) {
    return a.count == b.count && a.share == b.share &&
           std::ranges::equal(a.images.values<uint8_t>(), b.images.values<uint8_t>()) &&
           std::ranges::equal(a.labels.values<int32_t>(), b.labels.values<int32_t>());
}

bool same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
    return std::ranges::equal(a, b, [](const Batch& x, const Batch& y) { return same(x, y); });
}

/// Images that say their own index, which is their label too.
Dataset numbered(int64_t count) {
    Array images({{count, 1, 3, 4}, DType::u8});
    Array labels({{count}, DType::i32});
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
        std::ranges::fill(images.values<uint8_t>().subspan(i * 12, 12), static_cast<uint8_t>(i));
        labels.values<int32_t>()[i] = static_cast<int32_t>(i);
    }
    return {.name    = "numbered",
            .images  = Images(std::move(images)),
            .labels  = std::move(labels),
            .classes = {},
            .skipped = {}};
}

}  // namespace

TEST_CASE("a loader and its threads") {
    Dataset dataset = numbered(25);

    SUBCASE("without a shuffle gives the images in their order") {
        std::vector<Batch> batches = batches_of(dataset, {.batch = 5, .shuffle = false}, 0);
        CHECK(batches.size() == 5);
        for (size_t i = 0; i < 25; ++i) {
            CHECK(batches[i / 5].labels.values<int32_t>()[i % 5] == static_cast<int32_t>(i));
        }
    }
    SUBCASE("gives each image once an epoch, with its label") {
        std::set<int> seen;
        for (const Batch& batch : batches_of(dataset, {.batch = 5}, 0)) {
            for (size_t row = 0; row < 5; ++row) {
                int label = batch.labels.values<int32_t>()[row];
                CHECK(batch.images.values<uint8_t>()[row * 12 + 7] == label);
                seen.insert(label);
            }
        }
        CHECK(seen.size() == 25);
    }
    SUBCASE("fills up the last batch with zeros and says how many count") {
        std::vector<Batch> batches = batches_of(dataset, {.batch = 10}, 0);
        REQUIRE(batches.size() == 3);
        CHECK(batches[1].count == 10);
        CHECK(batches[2].count == 5);
        CHECK(to_string(batches[2].images.type()) == "u8 [10, 1, 3, 4]");
        CHECK(std::ranges::count(batches[2].images.values<uint8_t>().subspan(5 * 12), 0) == 5 * 12);
        CHECK(std::ranges::count(batches[2].labels.values<int32_t>().subspan(5), 0) == 5);
    }
    SUBCASE("can leave the last batch out") {
        CHECK(batches_of(dataset, {.batch = 10, .drop_last = true}, 0).size() == 2);
        CHECK(Loader(dataset, {.batch = 10, .drop_last = true}).steps_per_epoch() == 2);
        CHECK(Loader(dataset, {.batch = 10}).steps_per_epoch() == 3);
    }
    SUBCASE("depends on seed and epoch alone") {
        LoaderOptions options{.batch = 5, .seed = 3, .augment = {.crop = 1}};
        CHECK(same(batches_of(dataset, options, 7), batches_of(dataset, options, 7)));
        CHECK_FALSE(same(batches_of(dataset, options, 7), batches_of(dataset, options, 8)));
        CHECK_FALSE(same(batches_of(dataset, options, 7),
                         batches_of(dataset, {.batch = 5, .seed = 4, .augment = {.crop = 1}}, 7)));
    }
    SUBCASE("goes on from any step as if never interrupted") {
        LoaderOptions      options{.batch = 5, .seed = 3, .augment = {.crop = 1}};
        std::vector<Batch> all = batches_of(dataset, options, 2);
        for (int64_t step = 0; step <= 5; ++step) {
            CAPTURE(step);
            std::vector<Batch> rest(all.begin() + step, all.end());
            CHECK(same(batches_of(dataset, options, 2, step), rest));
        }
    }
    SUBCASE("gives the same bits with any number of threads, from any step") {
        LoaderOptions      options{.batch  = 4,
                                   .height = 6,
                                   .width  = 5,
                                   .seed   = 3,
                                   .augment = {.resized_crop = 0.3, .flip = true, .jitter = 0.4, .cutout = 2, .erase = 0.5},
                                   .mixup = 0.5};
        std::vector<Batch> all = batches_of(dataset, options, 2);
        REQUIRE(all.size() == 7);
        for (int threads : {1, 2, 3, 8}) {
            for (int64_t step : {0, 1, 6}) {
                CAPTURE(threads);
                CAPTURE(step);
                options.threads = threads;
                std::vector<Batch> rest(all.begin() + step, all.end());
                CHECK(same(batches_of(dataset, options, 2, step), rest));
            }
        }
    }
    SUBCASE("mixes images and says with what share of which") {
        std::vector<Batch> plain = batches_of(dataset, {.batch = 10}, 4);
        std::vector<Batch> mixed = batches_of(dataset, {.batch = 10, .mixup = 1}, 4);
        REQUIRE(mixed.size() == 3);
        CHECK(plain[0].share == 1);
        CHECK(mixed[0].share != mixed[1].share);
        for (size_t i = 0; i < 3; ++i) {
            auto count = static_cast<size_t>(mixed[i].count);
            for (size_t row = 0; row < count; ++row) {
                int own   = plain[i].labels.values<int32_t>()[row];
                int other = plain[i].labels.values<int32_t>()[count - 1 - row];
                CHECK(mixed[i].labels.values<int32_t>()[row] == own);
                CHECK(mixed[i].other_labels.values<int32_t>()[row] == other);
                auto share = static_cast<double>(mixed[i].share);
                CHECK(std::abs(mixed[i].images.values<uint8_t>()[row * 12] - (share * own + (1 - share) * other)) <=
                      0.5);
            }
        }
    }
    SUBCASE("makes images of the size asked for") {
        std::vector<Batch> batches = batches_of(dataset, {.batch = 5, .height = 2, .width = 7}, 0);
        CHECK(to_string(batches[0].images.type()) == "u8 [5, 1, 2, 7]");
        for (size_t row = 0; row < 5; ++row) {
            CHECK(std::ranges::count(batches[0].images.values<uint8_t>().subspan(row * 14, 14),
                                     batches[0].labels.values<int32_t>()[row]) == 14);
        }
    }
    SUBCASE("can start again in the middle of an epoch") {
        Loader loader(dataset, {.batch = 5});
        Batch  first;
        Batch  batch;
        loader.start_epoch(0);
        REQUIRE(loader.next(first));
        for (int i = 0; i < 50; ++i) {
            loader.start_epoch(0);
            REQUIRE(loader.next(batch));
            CHECK(same(batch, first));
        }
    }
    SUBCASE("can be dropped at any moment") {
        for (int taken = 0; taken < 6; ++taken) {
            Loader loader(dataset, {.batch = 5, .threads = 1 + taken % 3});
            loader.start_epoch(0);
            Batch batch;
            for (int i = 0; i < taken; ++i) {
                loader.next(batch);
            }
        }
    }
    SUBCASE("gives nothing before an epoch starts and after it ends") {
        Loader loader(dataset, {.batch = 25});
        Batch  batch;
        CHECK_FALSE(loader.next(batch));
        loader.start_epoch(0);
        CHECK(loader.next(batch));
        CHECK_FALSE(loader.next(batch));
        CHECK_FALSE(loader.next(batch));
    }
    SUBCASE("hands errors of its thread to the caller") {
        Loader loader(dataset, {.batch = int64_t{1} << 39, .threads = 2});
        Batch  batch;
        loader.start_epoch(0);
        CHECK_THROWS_WITH_AS(loader.next(batch), "shape: more than 2^40 elements", ShapeError);
    }
    SUBCASE("refuses what makes no sense") {
        CHECK_THROWS_AS(Loader(dataset, {.batch = 0}), UsageError);
        CHECK_THROWS_AS(Loader(dataset, {.batch = 26, .drop_last = true}), UsageError);
        CHECK_THROWS_AS(Loader(dataset, {.augment = {.crop = 3}}), UsageError);
        CHECK_THROWS_AS(Loader(dataset, {.augment = {.crop = -1}}), UsageError);
        CHECK_THROWS_AS(Loader(numbered(0), {}), UsageError);
        CHECK_THROWS_AS(Loader(dataset, {.augment = {.cutout = 4}}), UsageError);
        CHECK_THROWS_AS(Loader(dataset, {.mixup = 1.5}), UsageError);
        CHECK_THROWS_AS(Loader(dataset, {.threads = 0}), UsageError);
    }
}

TEST_CASE("shifted images") {
    Array counting({{1, 1, 3, 4}, DType::u8});
    for (size_t i = 0; i < 12; ++i) {
        counting.values<uint8_t>()[i] = static_cast<uint8_t>(i + 1);
    }
    Dataset one = numbered(1);
    one.images  = Images(std::move(counting));
    std::set<std::vector<int>> seen;
    for (int64_t epoch = 0; epoch < 200; ++epoch) {
        std::span<const uint8_t> pixels;
        std::vector<Batch>       batches = batches_of(one, {.batch = 1, .augment = {.crop = 1}}, epoch);
        pixels                           = batches.at(0).images.values<uint8_t>();
        seen.insert({pixels.begin(), pixels.end()});
    }
    std::set<std::vector<int>> expected;
    for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
            std::vector<int> image;
            for (int y = 0; y < 3; ++y) {
                for (int x = 0; x < 4; ++x) {
                    bool inside = y - dy >= 0 && y - dy < 3 && x - dx >= 0 && x - dx < 4;
                    image.push_back(inside ? 4 * (y - dy) + x - dx + 1 : 0);
                }
            }
            expected.insert(image);
        }
    }
    CHECK(seen == expected);
}
