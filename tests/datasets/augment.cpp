#include "datasets/augment/augmentation.h"

#include "core/error.h"
#include "datasets/augment/crop.h"
#include "datasets/augment/erase.h"
#include "datasets/augment/flip.h"
#include "datasets/augment/jitter.h"
#include "datasets/augment/mixup.h"
#include "datasets/augment/resized_crop.h"
#include "datasets/resample.h"
#include "tests/arrays.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

using namespace hemp;

namespace {

/// [C, H, W] whose pixels all differ from their neighbours and none is 0.
Array picture(int64_t channels, int64_t height, int64_t width) {
    Array image({{channels, height, width}, DType::u8});
    for (size_t i = 0; i < static_cast<size_t>(image.size()); ++i) {
        image.values<uint8_t>()[i] = static_cast<uint8_t>(1 + i * 37 % 255);
    }
    return image;
}

Array augmented(const std::string& how, const Array& image, const Place& place, Shape shape = Shape{}) {
    const std::vector<uint8_t> colour{9, 8, 7};
    Array                      result({shape.rank() == 3 ? shape : image.shape(), DType::u8});
    augment(augmentation(how), view(image), view(result), colour, place);
    return result;
}

constexpr const char* each_way[] = {
    "crop", "resized-crop", "flip", "jitter", "cutout=5", "erase", "crop=2,flip,jitter=0.2,cutout=3,erase=1"};

}  // namespace

TEST_CASE("an augmentation") {
    Array image = picture(3, 12, 16);

    SUBCASE("is a function of seed, epoch and index") {
        for (const char* how : each_way) {
            CAPTURE(how);
            auto differs = [&](const std::function<Place(int64_t)>& place) {
                for (int64_t i = 0; i < 20; ++i) {
                    if (!same_bits(augmented(how, image, place(i)), augmented(how, image, {}))) {
                        return true;
                    }
                }
                return false;
            };
            CHECK(differs([](int64_t i) { return Place{.seed = static_cast<uint64_t>(i)}; }));
            CHECK(differs([](int64_t i) { return Place{.epoch = i}; }));
            CHECK(differs([](int64_t i) { return Place{.index = i}; }));
            for (int64_t i = 0; i < 20; ++i) {
                Place place{.seed = 3, .epoch = 7, .index = i};
                CHECK(same_bits(augmented(how, image, place), augmented(how, image, place)));
            }
        }
    }
    SUBCASE("that is none copies") {
        CHECK(same_bits(augmented("none", image, {}), image));
        CHECK(same_bits(augmented("", image, {}), image));
    }
    SUBCASE("without a random part cuts an image of another size as in evaluation") {
        Array expected({{3, 6, 6}, DType::u8});
        resample(view(image), evaluation_box(view(image), 6, 6), view(expected));
        CHECK(same_bits(augmented("none", image, {}, {3, 6, 6}), expected));
    }
    SUBCASE("that crops an image of another size moves what evaluation sees") {
        Array fitted = augmented("none", image, {}, {3, 6, 6});
        CHECK(
            same_bits(augmented("crop=2", image, {.index = 5}, {3, 6, 6}), augmented("crop=2", fitted, {.index = 5})));
    }
    SUBCASE("is read from names and values") {
        CHECK(augmentation("crop,flip") == Augmentation{.crop = 4, .flip = true});
        CHECK(augmentation("resized-crop=0.5,jitter,cutout=8,erase=0.25") ==
              Augmentation{.resized_crop = 0.5, .jitter = 0.4, .cutout = 8, .erase = 0.25});
        CHECK(augmentation("none") == Augmentation{});
        for (const char* bad : {"crap", "crop=", "crop=x", "crop=1.5", "crop=-1", "crop=4x", "jitter=nan", "jitter=2",
                                "erase=0", "flip=2", ",", "crop,,flip", "none,flip", "crop,resized-crop"}) {
            CAPTURE(bad);
            CHECK_THROWS_AS(augmentation(bad), UsageError);
        }
        CHECK_THROWS_WITH_AS(augmentation("crap"),
                             "augmentation 'crap' is not known; choose from crop, resized-crop, flip, jitter, cutout, "
                             "erase, or none",
                             UsageError);
    }
}

TEST_CASE("a random flip mirrors about every other image") {
    Array image = picture(2, 3, 5);
    int   flips = 0;
    for (int64_t i = 0; i < 1000; ++i) {
        Array flipped = image;
        random_flip(view(flipped), {.index = i});
        if (same_bits(flipped, image)) {
            continue;
        }
        ++flips;
        for (int64_t row = 0; row < 6; ++row) {
            for (int64_t x = 0; x < 5; ++x) {
                CHECK(view(flipped).row(0, row)[x] == view(image).row(0, row)[4 - x]);
            }
        }
    }
    CHECK(flips > 440);
    CHECK(flips < 560);
}

TEST_CASE("a random box") {
    SUBCASE("lies in the image, has the area asked for, and all places come") {
        Array         image = picture(1, 40, 60);
        std::set<int> tops, lefts;
        double        least = 1, most = 0;
        for (int64_t i = 0; i < 2000; ++i) {
            Box box = random_box(view(image), 10, 10, 0.25, {.index = i});
            CHECK(box.top >= 0);
            CHECK(box.left >= 0);
            CHECK(box.top + box.height <= 40);
            CHECK(box.left + box.width <= 60);
            CHECK(box.width / box.height < 4.0 / 3.0 * 1.05);
            CHECK(box.width / box.height > 3.0 / 4.0 / 1.05);
            double share = box.width * box.height / 2400;
            least        = std::min(least, share);
            most         = std::max(most, share);
            tops.insert(static_cast<int>(box.top));
            lefts.insert(static_cast<int>(box.left));
        }
        CHECK(least > 0.23);
        CHECK(least < 0.27);
        CHECK(most > 0.7);  // 1 would need the image's own proportions
        CHECK(tops.size() > 15);
        CHECK(lefts.size() > 30);
    }
    SUBCASE("of an image that is far too long is its middle") {
        Array image = picture(1, 1, 100);
        Box   box   = random_box(view(image), 10, 10, 1, {});
        CHECK(box.height == 1);
        CHECK(box.width == 1);
        CHECK(box.left == 49.5);
    }
}

TEST_CASE("the part of a test image that counts") {
    SUBCASE("is all of an image of the right size") {
        Box box = evaluation_box(view(picture(1, 6, 7)), 6, 7);
        CHECK(box.top == 0);
        CHECK(box.left == 0);
        CHECK(box.height == 6);
        CHECK(box.width == 7);
    }
    SUBCASE("is 224 of 256 pixels of the shorter side") {
        Box box = evaluation_box(view(picture(1, 512, 300)), 224, 224);
        CHECK(box.width == doctest::Approx(300 * 224.0 / 256));
        CHECK(box.height == doctest::Approx(300 * 224.0 / 256));
        CHECK(box.top == doctest::Approx((512 - 262.5) / 2));
        Box exact = evaluation_box(view(picture(1, 256, 256)), 224, 224);
        CHECK(exact.top == 16);
        CHECK(exact.height == 224);
    }
    SUBCASE("is never magnified when the image is large enough") {
        Box box = evaluation_box(view(picture(1, 240, 240)), 224, 224);
        CHECK(box.height == doctest::Approx(224));
    }
    SUBCASE("is the middle of a smaller image, which grows") {
        Box box = evaluation_box(view(picture(1, 10, 20)), 224, 224);
        CHECK(box.height == 10);
        CHECK(box.width == 10);
        CHECK(box.left == 5);
    }
}

TEST_CASE("resampling a part of an image") {
    Array image = picture(3, 9, 11);
    SUBCASE("of whole pixels in its own size is a copy") {
        Array part({{3, 4, 5}, DType::u8});
        resample(view(image), {2, 3, 4, 5}, view(part));
        for (int64_t channel = 0; channel < 3; ++channel) {
            for (int64_t y = 0; y < 4; ++y) {
                CHECK(std::equal(view(part).row(channel, y), view(part).row(channel, y) + 5,
                                 view(image).row(channel, y + 2) + 3));
            }
        }
    }
    SUBCASE("to one pixel is the mean of its area, with parts of pixels") {
        Array line({{1, 1, 3}, DType::u8});
        std::ranges::copy(std::vector<uint8_t>{0, 100, 200}, line.values<uint8_t>().begin());
        Array one({{1, 1, 1}, DType::u8});
        resample(view(line), {0, 0.5, 1, 2}, view(one));
        CHECK(one.values<uint8_t>()[0] == 100);  // (0 / 2 + 100 + 200 / 2) / 2
    }
    SUBCASE("beyond the image is refused") {
        Array part({{3, 2, 2}, DType::u8});
        for (Box box : {Box{-1, 0, 2, 2}, Box{0, 0, 10, 2}, Box{0, 10, 2, 2}, Box{0, 0, 0, 2}, Box{0, 0, NAN, 2}}) {
            CHECK_THROWS_AS(resample(view(image), box, view(part)), ShapeError);
        }
    }
    SUBCASE("of one colour has that colour, whatever the part") {
        Array plain({{1, 13, 17}, DType::u8});
        std::ranges::fill(plain.values<uint8_t>(), uint8_t{77});
        Array part({{1, 7, 6}, DType::u8});
        for (int64_t i = 0; i < 200; ++i) {
            resample(view(plain), random_box(view(plain), 7, 6, 0.05, {.index = i}), view(part));
            CHECK(std::ranges::count(part.values<uint8_t>(), 77) == 42);
        }
    }
}

TEST_CASE("colour jitter") {
    SUBCASE("by 0 changes nothing") {
        Array image = picture(3, 5, 4), changed = image;
        colour_jitter(view(changed), 0, {});
        CHECK(same_bits(changed, image));
    }
    SUBCASE("follows its definition") {
        Array image({{3, 1, 2}, DType::u8});
        std::ranges::copy(std::vector<uint8_t>{100, 50, 80, 60, 120, 90}, image.values<uint8_t>().begin());
        Place  place{.seed = 5, .epoch = 2, .index = 9};
        Draw   draw(place, 0x6A697474, 3);
        double b = draw.between(0.7, 1.3), c = draw.between(0.7, 1.3), s = draw.between(0.7, 1.3);
        auto   grey = [](const double* p) { return 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]; };
        double pixels[2][3]{{100, 80, 120}, {50, 60, 90}};
        for (auto& pixel : pixels) {
            for (double& value : pixel) {
                value *= b;
            }
        }
        double mean = (grey(pixels[0]) + grey(pixels[1])) / 2;
        colour_jitter(view(image), 0.3, place);
        for (int x = 0; x < 2; ++x) {
            for (double& value : pixels[x]) {
                value = (value - mean) * c + mean;
            }
            double own = grey(pixels[x]);
            for (int channel = 0; channel < 3; ++channel) {
                double expected = (pixels[x][channel] - own) * s + own;
                CHECK(std::abs(view(image).row(channel, 0)[x] - expected) < 0.51);
            }
        }
    }
    SUBCASE("leaves grey images grey, in one channel as in three") {
        Array one = picture(1, 6, 6), three({{3, 6, 6}, DType::u8});
        for (size_t i = 0; i < 108; ++i) {
            three.values<uint8_t>()[i] = one.values<uint8_t>()[i % 36];
        }
        colour_jitter(view(one), 0.4, {.index = 3});
        colour_jitter(view(three), 0.4, {.index = 3});
        for (size_t i = 0; i < 108; ++i) {
            CHECK(std::abs(three.values<uint8_t>()[i] - one.values<uint8_t>()[i % 36]) <= 1);
        }
    }
}

TEST_CASE("a hidden part of an image") {
    const std::vector<uint8_t> colour{0, 0, 0};
    auto hidden = [](const Array& image) { return std::ranges::count(image.values<uint8_t>(), 0); };

    SUBCASE("by Cutout is a square around any pixel") {
        std::set<int64_t> sizes;
        bool              corner = false;
        for (int64_t i = 0; i < 500; ++i) {
            Array image = picture(3, 8, 8);
            cutout(view(image), 4, colour, {.index = i});
            CHECK(hidden(image) % 3 == 0);
            sizes.insert(hidden(image) / 3);
            corner |= image.values<uint8_t>()[0] == 0;
        }
        // From 2 x 2 in the first corner to whole ones; 3 rows or columns are left at the other borders.
        CHECK(sizes == std::set<int64_t>{4, 6, 8, 9, 12, 16});
        CHECK(corner);
    }
    SUBCASE("by erasing is a rectangle of some size, as often as asked for") {
        int erased = 0;
        for (int64_t i = 0; i < 1000; ++i) {
            Array image = picture(3, 16, 16);
            random_erasing(view(image), 0.25, colour, {.index = i});
            erased += hidden(image) > 0;
            CHECK(hidden(image) <= 3 * 256 / 3 * 1.2);
        }
        CHECK(erased > 200);
        CHECK(erased < 300);
    }
    SUBCASE("has the colour of its channel") {
        Array image = augmented("cutout=12", picture(3, 12, 12), {.index = 1});
        for (size_t channel = 0; channel < 3; ++channel) {
            CHECK(std::ranges::count(image.values<uint8_t>().subspan(channel * 144, 144), 9 - channel) >= 36);
        }
    }
}

TEST_CASE("mixup") {
    SUBCASE("draws shares from Beta(alpha, alpha)") {
        for (double alpha : {0.2, 1.0}) {
            double sum = 0, squares = 0;
            for (int64_t i = 0; i < 4000; ++i) {
                int kept = mixup_share(alpha, {.seed = 1, .index = i});
                CHECK(kept >= 0);
                CHECK(kept <= 256);
                sum += kept / 256.0;
                squares += kept / 256.0 * kept / 256.0;
            }
            double mean = sum / 4000;
            CHECK(mean == doctest::Approx(0.5).epsilon(0.04));
            CHECK(squares / 4000 - mean * mean == doctest::Approx(1 / (4 * (2 * alpha + 1))).epsilon(0.05));
        }
    }
    SUBCASE("mixes each row with its partner from the other end") {
        std::vector<uint8_t> rows{0, 10, 100, 200, 255, 30};
        mix_rows(rows, 3, 64);
        CHECK(rows == std::vector<uint8_t>{191, 25, 100, 200, 64, 15});
        mix_rows(rows, 3, 256);
        CHECK(rows == std::vector<uint8_t>{191, 25, 100, 200, 64, 15});
        mix_rows(rows, 3, 0);
        CHECK(rows == std::vector<uint8_t>{64, 15, 100, 200, 191, 25});
    }
}
