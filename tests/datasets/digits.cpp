#include "datasets/digits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>

using namespace hemp;

namespace {

std::span<const uint8_t> image(const Dataset& dataset, int64_t index) { return dataset.images.bytes_of(index); }

/// Squared distances between images, from each of `tests` to the mean of each class; the share whose own is nearest.
double nearest_mean_accuracy(const Dataset& train, const Dataset& test) {
    std::vector<std::vector<double>> means(10, std::vector<double>(784));
    for (int64_t i = 0; i < train.size(); ++i) {
        for (size_t p = 0; p < 784; ++p) {
            means[static_cast<size_t>(i % 10)][p] += image(train, i)[p] * 10.0 / static_cast<double>(train.size());
        }
    }
    int right = 0;
    for (int64_t i = 0; i < test.size(); ++i) {
        std::vector<double> distances;
        for (const std::vector<double>& mean : means) {
            double distance = 0;
            for (size_t p = 0; p < 784; ++p) {
                distance += (image(test, i)[p] - mean[p]) * (image(test, i)[p] - mean[p]);
            }
            distances.push_back(distance);
        }
        right += std::min_element(distances.begin(), distances.end()) - distances.begin() == i % 10;
    }
    return right / static_cast<double>(test.size());
}

}  // namespace

TEST_CASE("procedural digits") {
    Dataset train = digits(Part::train, 1000);
    Dataset test  = digits(Part::test, 200);

    SUBCASE("are 28 x 28 grey images of 10 classes in turn") {
        CHECK(to_string(train.images.shape()) == "[1000, 1, 28, 28]");
        CHECK(to_string(train.labels.type()) == "i32 [1000]");
        CHECK(train.classes.size() == 10);
        CHECK(train.labels.values<int32_t>()[0] == 0);
        CHECK(train.labels.values<int32_t>()[997] == 7);
    }
    SUBCASE("depend on seed, part and index alone") {
        Dataset fewer = digits(Part::train, 10);
        auto    ten   = [](const Dataset& dataset) {
            return std::span(dataset.images[0].pixels, 7840);  // one after another
        };
        CHECK(std::ranges::equal(ten(fewer), ten(train)));
        Dataset other_seed = digits(Part::train, 10, 1);
        CHECK_FALSE(std::ranges::equal(ten(other_seed), ten(train)));
        CHECK_FALSE(std::ranges::equal(ten(test), ten(train)));
    }
    SUBCASE("have the same bytes on every machine") {
        uint64_t fingerprint = 14695981039346656037u;  // FNV-1a
        for (uint8_t value : std::span(train.images[0].pixels, 1000 * 784)) {
            fingerprint = (fingerprint ^ value) * 1099511628211u;
        }
        CHECK(fingerprint == 11884957542238438217u);
    }
    SUBCASE("all differ from each other") {
        for (int64_t i = 10; i < test.size(); ++i) {
            CHECK(std::memcmp(image(test, i).data(), image(test, i - 10).data(), 784) != 0);
        }
    }
    SUBCASE("are bright strokes on a dark ground") {
        for (int64_t i = 0; i < test.size(); ++i) {
            CAPTURE(i);
            auto pixels = image(test, i);
            CHECK(*std::max_element(pixels.begin(), pixels.end()) >= 150);
            auto bright = std::count_if(pixels.begin(), pixels.end(), [](uint8_t value) { return value >= 100; });
            CHECK(bright >= 15);
            CHECK(bright <= 250);
        }
    }
    SUBCASE("can be told apart, but not by templates alone") {
        double accuracy = nearest_mean_accuracy(train, test);
        CHECK(accuracy > 0.6);
        CHECK(accuracy < 0.97);
    }
}
