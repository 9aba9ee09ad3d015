// Winograd's convolution and its two gradients against their definition in double.

#include "core/kernels/winograd.h"

#include "core/kernels/dispatch.h"
#include "core/random.h"
#include "tests/instruction_sets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

using namespace hemp;

namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// Normal values [images, channels, height, width] and the same in blocks.
struct Images {
    int64_t            images, channels, height, width;
    std::vector<float> blocked;

    Images(int64_t n, int64_t c, int64_t h, int64_t w, uint64_t seed)
        : images(n),
          channels(c),
          height(h),
          width(w),
          blocked(static_cast<size_t>(n * ((c + 15) / 16) * 16 * h * w), 0.0f) {
        Random   random(seed, 1);
        uint64_t index = 0;
        for_each([&](size_t at) { blocked[at] = random.normal(index++); });
    }
    size_t at(int64_t n, int64_t c, int64_t i, int64_t j) const {
        return static_cast<size_t>((((n * ((channels + 15) / 16) + c / 16) * height + i) * width + j) * 16 + c % 16);
    }
    double padded(int64_t n, int64_t c, int64_t i, int64_t j) const {
        bool inside = i >= 0 && j >= 0 && i < height && j < width;
        return inside ? static_cast<double>(blocked[at(n, c, i, j)]) : 0;
    }
    template <class Visit>
    void for_each(Visit visit) const {
        for (int64_t n = 0; n < images; ++n) {
            for (int64_t c = 0; c < channels; ++c) {
                for (int64_t i = 0; i < height; ++i) {
                    for (int64_t j = 0; j < width; ++j) {
                        visit(at(n, c, i, j));
                    }
                }
            }
        }
    }
};

struct Convolution {
    WinogradShape      shape;
    Images             x, dy;
    std::vector<float> weights;  // [filters, channels, 3, 3]

    explicit Convolution(const WinogradShape& s)
        : shape(s),
          x(s.images, s.channels, s.height, s.width, 11),
          dy(s.images, s.filters, s.height, s.width, 12),
          weights(static_cast<size_t>(s.filters * s.channels * 9)) {
        Random random(13, 1);
        for (size_t i = 0; i < weights.size(); ++i) {
            weights[i] = random.normal(i);
        }
    }
    double weight(int64_t k, int64_t c, int64_t r, int64_t q) const {
        return static_cast<double>(weights[static_cast<size_t>(((k * shape.channels + c) * 3 + r) * 3 + q)]);
    }
    WinogradShape exchanged() const { return {shape.images, shape.filters, shape.channels, shape.height, shape.width}; }

    // The definitions.
    double y(int64_t n, int64_t k, int64_t i, int64_t j) const {
        double sum = 0;
        for (int64_t c = 0; c < shape.channels; ++c) {
            for (int64_t tap = 0; tap < 9; ++tap) {
                sum += weight(k, c, tap / 3, tap % 3) * x.padded(n, c, i + tap / 3 - 1, j + tap % 3 - 1);
            }
        }
        return sum;
    }
    double dx(int64_t n, int64_t c, int64_t i, int64_t j) const {
        double sum = 0;
        for (int64_t k = 0; k < shape.filters; ++k) {
            for (int64_t tap = 0; tap < 9; ++tap) {
                sum += weight(k, c, tap / 3, tap % 3) * dy.padded(n, k, i - tap / 3 + 1, j - tap % 3 + 1);
            }
        }
        return sum;
    }
    double dw(int64_t k, int64_t c, int64_t r, int64_t q) const {
        double sum = 0;
        for (int64_t n = 0; n < shape.images; ++n) {
            for (int64_t i = 0; i < shape.height; ++i) {
                for (int64_t j = 0; j < shape.width; ++j) {
                    sum += dy.padded(n, k, i, j) * x.padded(n, c, i + r - 1, j + q - 1);
                }
            }
        }
        return sum;
    }
};

/// Memory full of NaN between guards.
class Guarded {
 public:
    explicit Guarded(int64_t floats, float fill = nan) : memory_(static_cast<size_t>(floats + 2 * guard), fill) {
        std::fill_n(memory_.begin(), guard, value);
        std::fill_n(memory_.end() - guard, guard, value);
    }
    float*             data() { return memory_.data() + guard; }
    std::vector<float> checked() const {
        CHECK(std::all_of(memory_.begin(), memory_.begin() + guard, [](float x) { return x == value; }));
        CHECK(std::all_of(memory_.end() - guard, memory_.end(), [](float x) { return x == value; }));
        return {memory_.begin() + guard, memory_.end() - guard};
    }

 private:
    static constexpr int64_t guard = 64;
    static constexpr float   value = 12345.0f;
    std::vector<float>       memory_;
};

void for_pieces(int64_t pieces, bool backwards, const std::function<void(int64_t)>& run) {
    for (int64_t i = 0; i < pieces; ++i) {
        run(backwards ? pieces - 1 - i : i);
    }
}

/// The forward convolution, or the gradient to the data.
std::vector<float> convolved(const WinogradShape& s, const Images& x, const std::vector<float>& weights, bool rotated,
                             bool backwards = false, const Finish& finish = {}) {
    Guarded          prepared(s.prepared_floats());
    Guarded          scratch(s.forward_scratch_floats());
    Guarded          y(s.images * s.filter_blocks() * 16 * s.height * s.width);
    WinogradOperands operands{x.blocked.data(), {}, weights.data(), rotated, false, y.data(), finish};
    for_pieces(s.prepare_pieces(), backwards,
               [&](int64_t piece) { winograd().prepare(s, operands, piece, prepared.data()); });
    for_pieces(s.forward_pieces(), backwards,
               [&](int64_t piece) { winograd().forward(s, operands, prepared.data(), piece, scratch.data()); });
    prepared.checked();
    scratch.checked();
    return y.checked();
}

std::vector<float> weight_gradient(const Convolution& c, bool backwards = false) {
    const WinogradShape& s = c.shape;
    Guarded              scratch(s.gradient_scratch_floats());
    Guarded              partial(s.partial_floats());
    Guarded              dw(s.filters * s.channels * 9);
    for_pieces(s.gradient_pieces(), backwards, [&](int64_t piece) {
        winograd().weight_gradient(s, c.x.blocked.data(), {}, c.dy.blocked.data(), piece, partial.data(),
                                   scratch.data());
    });
    for_pieces(s.sum_pieces(), backwards,
               [&](int64_t piece) { winograd().sum_weight_gradient(s, partial.data(), piece, dw.data()); });
    scratch.checked();
    partial.checked();
    return dw.checked();
}

/// Errors as shares of the expected values' root mean square.
class Errors {
 public:
    void add(float got, double expected) {
        double error = std::abs(static_cast<double>(got) - expected);
        largest_     = error <= largest_ ? largest_ : error;  // NaN stays
        errors_ += error * error;
        squares_ += expected * expected;
        ++count_;
    }
    double mean() const { return std::sqrt(errors_ / squares_); }
    double largest() const { return largest_ / std::sqrt(squares_ / count_); }

 private:
    double largest_ = 0, errors_ = 0, squares_ = 0, count_ = 0;
};

using Pixel = std::function<double(int64_t, int64_t, int64_t, int64_t)>;

/// Every `every`-th value of images like these.
std::vector<double> expected_images(const Images& like, const Pixel& value, int64_t every = 1) {
    std::vector<double> expected;
    int64_t             index = 0;
    for (int64_t n = 0; n < like.images; ++n) {
        for (int64_t c = 0; c < like.channels; ++c) {
            for (int64_t i = 0; i < like.height; ++i) {
                for (int64_t j = 0; j < like.width; ++j) {
                    if (index++ % every == 0) {
                        expected.push_back(value(n, c, i, j));
                    }
                }
            }
        }
    }
    return expected;
}

Errors errors_of(const std::vector<float>& got, const Images& like, const std::vector<double>& expected,
                 int64_t every = 1, double plus = 0) {
    Errors  errors;
    int64_t index = 0;
    like.for_each([&](size_t at) {
        if (index % every == 0) {
            errors.add(got[at], expected[static_cast<size_t>(index / every)] + plus);
        }
        ++index;
    });
    return errors;
}

std::vector<double> expected_weights(const Convolution& c, int64_t every = 1) {
    std::vector<double> expected;
    for (int64_t index = 0; index < static_cast<int64_t>(c.weights.size()); index += every) {
        expected.push_back(c.dw(index / 9 / c.shape.channels, index / 9 % c.shape.channels, index % 9 / 3, index % 3));
    }
    return expected;
}

Errors weight_errors(const std::vector<float>& got, const std::vector<double>& expected, int64_t every = 1) {
    Errors errors;
    for (size_t i = 0; i < expected.size(); ++i) {
        errors.add(got[i * static_cast<size_t>(every)], expected[i]);
    }
    return errors;
}

std::string describe(const WinogradShape& s) {
    std::string text;
    for (int64_t length : {s.images, s.channels, s.filters, s.height, s.width}) {
        text += std::to_string(length) + " ";
    }
    return "images channels filters height width: " + text;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<InstructionSet> sets() {
    std::vector<InstructionSet> all{InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512};
    std::erase_if(all, [](InstructionSet set) { return !supported(set); });
    return all;
}

std::vector<WinogradShape> shapes() {
    std::vector<WinogradShape> all;
    for (auto [height, width] : std::vector<std::pair<int64_t, int64_t>>{
             {1, 1}, {2, 2}, {3, 5}, {4, 4}, {7, 7}, {8, 8}, {5, 9}, {14, 14}, {1, 21}, {17, 2}}) {
        all.push_back({1, 3, 5, height, width});
        all.push_back({3, 20, 40, height, width});
    }
    all.push_back({1, 1, 1, 6, 6});
    all.push_back({2, 16, 16, 33, 31});  // several pieces of tiles
    all.push_back({1, 33, 70, 12, 12});
    all.push_back({1, 20, 260, 30, 30});  // several pieces of tiles, fewer than a quarter of the filters
    all.push_back({1, 150, 140, 5, 5});   // several pieces of channels and filters
    return all;
}

TEST_CASE("Winograd convolution") {
    for (const WinogradShape& s : shapes()) {
        CAPTURE(describe(s));
        Convolution         c(s);
        std::vector<double> y  = expected_images(c.dy, [&](auto... at) { return c.y(at...); });
        std::vector<double> dx = expected_images(c.x, [&](auto... at) { return c.dx(at...); });
        std::vector<double> dw = expected_weights(c);
        for (InstructionSet set : sets()) {
            CAPTURE(std::string(name_of(set)));
            Using only(set);

            std::vector<float> got = convolved(s, c.x, c.weights, false);
            CHECK(errors_of(got, c.dy, y).largest() < 5e-5);
            CHECK(same_bits(got, convolved(s, c.x, c.weights, false, true)));
            std::vector<float> gradient = convolved(c.exchanged(), c.dy, c.weights, true);
            CHECK(errors_of(gradient, c.x, dx).largest() < 5e-5);
            CHECK(same_bits(gradient, convolved(c.exchanged(), c.dy, c.weights, true, true)));
            std::vector<float> weights = weight_gradient(c);
            CHECK(weight_errors(weights, dw).largest() < 5e-5);
            CHECK(same_bits(weights, weight_gradient(c, true)));

            // Every float was written; the lanes of channels that do not exist are zero.
            std::vector<float> rest = got;
            c.dy.for_each([&](size_t at) { rest[at] = 0; });
            CHECK(std::all_of(rest.begin(), rest.end(), [](float value) { return value == 0; }));

            std::vector<float> addend(c.dy.blocked.size(), 100.0f);
            std::vector<float> sum = convolved(s, c.x, c.weights, false, false, {.addend = addend.data()});
            CHECK(errors_of(sum, c.dy, y, 1, 100).largest() < 5e-5);
        }
    }
}

TEST_CASE("Winograd convolution: AVX2 and AVX-512 give the same bits") {
    if (!supported(InstructionSet::avx512)) {
        MESSAGE("skipped: this CPU has no AVX-512");
        return;
    }
    for (const WinogradShape& s : shapes()) {
        CAPTURE(describe(s));
        Convolution c(s);
        auto        results = [&](InstructionSet set) {
            Using only(set);
            return std::vector{convolved(s, c.x, c.weights, false), convolved(c.exchanged(), c.dy, c.weights, true),
                               weight_gradient(c)};
        };
        auto narrow = results(InstructionSet::avx2);
        auto wide   = results(InstructionSet::avx512);
        for (size_t i = 0; i < 3; ++i) {
            CHECK(same_bits(narrow[i], wide[i]));
        }
    }
}

TEST_CASE("Winograd convolution: the relative error of a layer is at most 1e-4") {
    for (const WinogradShape& s :
         {WinogradShape{16, 16, 16, 32, 32}, WinogradShape{2, 64, 64, 28, 28}, WinogradShape{2, 512, 512, 7, 7}}) {
        CAPTURE(describe(s));
        Convolution c(s);
        Errors      y  = errors_of(convolved(s, c.x, c.weights, false), c.dy,
                                   expected_images(
                                       c.dy, [&](auto... at) { return c.y(at...); }, 17),
                                   17);
        Errors      dx = errors_of(convolved(c.exchanged(), c.dy, c.weights, true), c.x,
                                   expected_images(
                                       c.x, [&](auto... at) { return c.dx(at...); }, 17),
                                   17);
        Errors      dw = weight_errors(weight_gradient(c), expected_weights(c, 101), 101);
        for (const Errors& errors : {y, dx, dw}) {
            CHECK(errors.mean() < 5e-6);
            CHECK(errors.largest() < 1e-4);
        }
        MESSAGE(describe(s), "errors y ", y.mean(), " at most ", y.largest(), ", dx ", dx.mean(), " at most ",
                dx.largest(), ", dw ", dw.mean(), " at most ", dw.largest());
    }
}

}  // namespace
