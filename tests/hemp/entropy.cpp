#include "hemp/entropy.h"

#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/concat.h"
#include "core/ops/multiply.h"
#include "core/ops/reshape.h"
#include "core/random.h"
#include "core/run/program.h"
#include "hemp/quantize.h"
#include "hemp/quantizer.h"
#include "hemp/tuples.h"
#include "tests/harness.h"
#include "tests/hemp/run_node.h"
#include "tests/instruction_sets.h"

#include <algorithm>
#include <cmath>
#include <map>

using namespace hemp;
using hemp::test::Runner;

namespace {

// ---- The formula of the paper, written down directly in double ----

using Weights = std::vector<double>;
using Levels  = std::vector<double>;
using Tuple   = std::vector<int>;
using Table   = std::map<Tuple, double>;

// Probability that a weight belongs to a level: linear between neighbouring levels, all at the outermost beyond.
double belongs(double w, const Levels& levels, int level) {
    int last = static_cast<int>(levels.size()) - 1;
    w        = std::clamp(w, levels.front(), levels.back());
    if (w == levels[static_cast<size_t>(level)]) {
        return 1;
    }
    for (int side : {-1, 1}) {
        int other = level + side;
        if (other >= 0 && other <= last) {
            double here  = levels[static_cast<size_t>(level)];
            double there = levels[static_cast<size_t>(other)];
            double away  = (w - here) / (there - here);
            if (away > 0 && away < 1) {
                return 1 - away;
            }
        }
    }
    return 0;
}

// Every tuple of symbols that a weight tuple may stand for, with its probability.
void add_tuple(const Weights& weights, const Levels& levels, size_t begin, size_t end, Table& table, double scale) {
    std::vector<std::pair<Tuple, double>> corners{{{}, scale}};
    for (size_t i = begin; i < end; ++i) {
        std::vector<std::pair<Tuple, double>> longer;
        for (const auto& [tuple, probability] : corners) {
            for (int level = 0; level < static_cast<int>(levels.size()); ++level) {
                double share = belongs(weights[i], levels, level);
                if (share > 0) {
                    longer.push_back({tuple, probability * share});
                    longer.back().first.push_back(level);
                }
            }
        }
        corners = std::move(longer);
    }
    for (const auto& [tuple, probability] : corners) {
        table[tuple] += probability;
    }
}

double bits(const Table& table) {
    double sum = 0;
    for (const auto& [tuple, p] : table) {
        sum -= p > 0 ? p * std::log2(p) : 0;
    }
    return sum;
}

struct EntropyCase {
    std::vector<Weights> weights;
    std::vector<Levels>  levels;
    EntropyOptions       options;

    size_t order() const { return static_cast<size_t>(options.order); }
    size_t stride() const { return options.conditional ? 1 : order(); }
    size_t tuples(size_t tensor) const { return (weights[tensor].size() - order()) / stride() + 1; }
    // Tensors that share a table with this one.
    std::vector<size_t> pool(size_t tensor) const {
        std::vector<size_t> result;
        for (size_t i = 0; i < weights.size(); ++i) {
            bool shared = options.pooling == Pooling::shared && levels[i].size() == levels[tensor].size();
            if (i == tensor || shared) {
                result.push_back(i);
            }
        }
        return result;
    }
    size_t tuples(const std::vector<size_t>& tensors) const {
        size_t sum = 0;
        for (size_t i : tensors) {
            sum += tuples(i);
        }
        return sum;
    }
    size_t total() const {
        size_t sum = 0;
        for (size_t i = 0; i < weights.size(); ++i) {
            sum += tuples(i);
        }
        return sum;
    }
};

// Probabilities of the first `members` weights of all windows of some tensors.
Table table_of(const EntropyCase& c, const std::vector<size_t>& tensors, size_t members) {
    Table table;
    for (size_t i : tensors) {
        for (size_t t = 0; t < c.tuples(i); ++t) {
            size_t begin = t * c.stride();
            add_tuple(c.weights[i], c.levels[i], begin, begin + members, table,
                      1.0 / static_cast<double>(c.tuples(tensors)));
        }
    }
    return table;
}

double plain_entropy(const EntropyCase& c) {
    double sum = 0;
    for (size_t i = 0; i < c.weights.size(); ++i) {
        // A shared table counts once for each of its tensors, in proportion to its tuples.
        double h = bits(table_of(c, c.pool(i), c.order()));
        if (c.options.conditional) {
            h -= bits(table_of(c, c.pool(i), c.order() - 1));
        }
        sum += h * static_cast<double>(c.tuples(i)) / static_cast<double>(c.total());
    }
    return sum;
}

double plain_slope(EntropyCase c, size_t tensor, size_t weight) {
    constexpr double step     = 1e-5;
    double           middle   = c.weights[tensor][weight];
    c.weights[tensor][weight] = middle + step;
    double above              = plain_entropy(c);
    c.weights[tensor][weight] = middle - step;
    return (above - plain_entropy(c)) / (2 * step);
}

// The formula for the slope, member by member over all corners of the others, with its conventions: at a level the
// interval above it, 0 at the highest level and outside, probabilities of at least that of 1/1024 of a tuple.
std::vector<double> slopes_by_formula(const EntropyCase& c, size_t tensor) {
    const Weights&      w      = c.weights[tensor];
    const Levels&       levels = c.levels[tensor];
    std::vector<size_t> pool   = c.pool(tensor);
    Table               joint  = table_of(c, pool, c.order());
    Table               prefix = table_of(c, pool, c.order() - 1);
    double              least  = 1 / (1024.0 * static_cast<double>(c.tuples(pool)));
    auto                log_of = [&](const Table& table, const Tuple& tuple) {
        auto found = table.find(tuple);
        return std::log2(std::max(found == table.end() ? 0 : found->second, least));
    };
    std::vector<double> slopes(w.size());
    for (size_t t = 0; t < c.tuples(tensor); ++t) {
        for (size_t member = t * c.stride(); member < t * c.stride() + c.order(); ++member) {
            if (w[member] < levels.front() || w[member] >= levels.back()) {
                continue;
            }
            size_t above =
                static_cast<size_t>(std::upper_bound(levels.begin(), levels.end(), w[member]) - levels.begin());
            double sum = 0;
            for (size_t side : {above - 1, above}) {
                Weights at_level = w;
                at_level[member] = levels[side];
                Table corners;
                add_tuple(at_level, levels, t * c.stride(), t * c.stride() + c.order(), corners, 1);
                for (const auto& [tuple, q] : corners) {
                    double log = log_of(joint, tuple);
                    if (c.options.conditional && c.order() > 1) {
                        log -= log_of(prefix, Tuple(tuple.begin(), tuple.end() - 1));
                    }
                    sum += (side == above ? -q : q) * log;
                }
            }
            slopes[member] += sum / (static_cast<double>(c.total()) * (levels[above] - levels[above - 1]));
        }
    }
    return slopes;
}

// ---- The operators on the same case ----

Tensor constant_values(const std::vector<double>& values) {
    return constant(
        Array(Shape{static_cast<int64_t>(values.size())}, std::vector<float>(values.begin(), values.end())));
}

Tensor entropy_of(const EntropyCase& c) {
    Tensors weights;
    Tensors levels;
    for (size_t i = 0; i < c.weights.size(); ++i) {
        weights.push_back(constant_values(c.weights[i]));
        levels.push_back(constant_values(c.levels[i]));
    }
    return entropy(weights, levels, c.options);
}

double value_of_entropy(const EntropyCase& c) { return Runner()(entropy_of(c)).values<float>()[0]; }

// The gradient to each tensor of weights, times dy.
std::vector<std::vector<float>> slopes_of(const EntropyCase& c, Runner& run, float dy = 1) {
    Tensor                          h = entropy_of(c);
    std::vector<std::vector<float>> result;
    for (const Tensor& gradient : h.node().op->gradient(h, constant(dy))) {
        if (gradient) {
            auto values = run(gradient).values<float>();
            result.emplace_back(values.begin(), values.end());
        }
    }
    return result;
}

std::vector<std::vector<float>> slopes_of(const EntropyCase& c, float dy = 1) {
    Runner run;
    return slopes_of(c, run, dy);
}

// ---- Cases ----

Levels some_levels(int count) {
    Levels levels;
    for (int i = 0; i < count; ++i) {
        // Unequal steps, exact in float.
        levels.push_back((i - count / 2) * 0.5 + (i % 3) * 0.125);
    }
    return levels;
}

// Between the levels, no share beyond [margin, 1 - margin].
Weights weights_between(const Levels& levels, size_t size, double margin, uint64_t stream) {
    Random  random(3, stream);
    Weights weights;
    for (size_t i = 0; i < size; ++i) {
        size_t k     = random.below(static_cast<uint32_t>(levels.size()) - 1, 2 * i);
        double share = margin + (1 - 2 * margin) * double{random.uniform(2 * i + 1)};
        weights.push_back(double{static_cast<float>(levels[k] + share * (levels[k + 1] - levels[k]))});
    }
    return weights;
}

// Beyond the levels, at them and between.
Weights weights_anywhere(const Levels& levels, size_t size, uint64_t stream) {
    Random  random(4, stream);
    Weights weights;
    for (size_t i = 0; i < size; ++i) {
        uint32_t kind = random.below(4, 3 * i);
        size_t   k    = random.below(static_cast<uint32_t>(levels.size()), 3 * i + 1);
        double   w    = (levels.back() - levels.front() + 1) * (double{random.uniform(3 * i + 2)} - 0.5);
        weights.push_back(double{static_cast<float>(kind == 0 ? levels[k] : w)});
    }
    return weights;
}

EntropyCase case_of(int order, int levels, size_t size, bool conditional = false,
                    Pooling pooling = Pooling::per_tensor) {
    EntropyCase c;
    c.options = {.order = order, .conditional = conditional, .pooling = pooling};
    c.levels  = {some_levels(levels), some_levels(levels), some_levels(levels + 1)};
    for (double& level : c.levels[1]) {
        level *= 2;
    }
    c.weights = {weights_anywhere(c.levels[0], size, 0), weights_anywhere(c.levels[1], size + 7, 1),
                 weights_anywhere(c.levels[2], size / 2 + 8, 2)};
    return c;
}

// ---- Operators of random operands, for the harness ----

Tensor given_values(const std::vector<double>& values, const Shape& shape) {
    return given(shape, std::vector<float>(values.begin(), values.end()));
}

// Weights between the levels: x is how far each is from the middle of some interval, as a part of the interval.
Tensor between(const Tensor& x, const Levels& levels, uint64_t stream) {
    Random  random(11, stream);
    Weights middles, steps;
    for (int64_t i = 0; i < x.shape().size(); ++i) {
        size_t k = random.below(static_cast<uint32_t>(levels.size()) - 1, static_cast<uint64_t>(i));
        middles.push_back((levels[k] + levels[k + 1]) / 2);
        steps.push_back(levels[k + 1] - levels[k]);
    }
    return given_values(middles, x.shape()) + given_values(steps, x.shape()) * x;
}

// Levels of the i-th tensor. They are no operands: random ones would not increase.
Levels levels_of_tensor(size_t i, int count) {
    Levels levels = some_levels(count);
    for (double& level : levels) {
        level *= i == 0 ? 1 : 0.5;
    }
    return levels;
}

Tensors given_levels(const Tensors& weights, int count) {
    Tensors levels;
    for (size_t i = 0; i < weights.size(); ++i) {
        levels.push_back(given_values(levels_of_tensor(i, count), {count}));
    }
    return levels;
}

Tensor entropy_between(const Tensors& x, int levels, const EntropyOptions& options) {
    Tensors weights;
    for (size_t i = 0; i < x.size(); ++i) {
        weights.push_back(between(x[i], levels_of_tensor(i, levels), i));
    }
    return entropy(weights, given_levels(weights, levels), options);
}

Tensor slopes_in_a_row(const Tensor& entropy, const Tensors& weights) {
    Tensors slopes;
    for (const Gradient& each : grad(entropy, weights)) {
        slopes.push_back(reshape(each.gradient, Shape{each.gradient.shape().size()}));
    }
    return concat(slopes, 0);
}

Operands two_of(Shape first, Shape second, double low, double high) {
    return {{.shape = first, .low = low, .high = high}, {.shape = second, .low = low, .high = high}};
}

constexpr Tolerance near_bits{.ulps = 32, .floor = 1};
constexpr Tolerance near_slopes{.ulps = 64, .floor = 0.1};

}  // namespace

// The harness checks the operators; that entropy() puts them together as the paper says is checked against the paper's
// formula below.
TEST_CASE("entropy agrees with its plain version in double") {
    constexpr Pooling per_tensor = Pooling::per_tensor, shared = Pooling::shared;
    struct Kind {
        int     order;
        int     levels;
        bool    conditional;
        Pooling pooling;
        int64_t weights;
    };
    // The last but one has tables of hashes; in the last, shares multiply to so little that logarithms are of the least
    // probability.
    for (Kind kind : {Kind{1, 2, false, per_tensor, 30},
                      {1, 20, false, shared, 60},
                      {2, 4, true, per_tensor, 40},
                      {3, 4, false, shared, 50},
                      {3, 3, true, shared, 30},
                      {4, 40, true, shared, 26},
                      {8, 2, false, per_tensor, 40}}) {
        EntropyOptions options{.order = kind.order, .conditional = kind.conditional, .pooling = kind.pooling};
        std::string    name =
            fmt::format("order {}, {} levels, {}, {}", kind.order, kind.levels,
                        kind.conditional ? "conditional" : "joint", kind.pooling == shared ? "shared" : "per tensor");
        Operands inside   = two_of({kind.weights}, {7, kind.weights / 5}, -0.3, 0.3);
        Operands anywhere = two_of({kind.weights}, {7, kind.weights / 5}, -3, 3);
        check_operator("entropy, " + name, [=](const Tensors& x) { return entropy_between(x, kind.levels, options); },
                       inside, {.result = near_bits, .gradient = kind.order < 8, .slope = near_slopes});
        // Beyond the levels and at them slopes are a convention, and no limit of differences.
        check_operator("slopes of entropy, " + name,
                       [=](const Tensors& x) {
                           Tensors levels = given_levels(x, kind.levels);
                           Tensors weights{x[0], quantize(x[1], levels[1])};
                           return slopes_in_a_row(entropy(weights, levels, options), weights);
                       },
                       anywhere, {.result = near_slopes, .gradient = false});
        check_operator(
            "distinct tuples, " + name,
            [=](const Tensors& x) { return distinct_tuples(entropy(x, given_levels(x, kind.levels), options)); },
            anywhere, {.result = {.ulps = 0}, .gradient = false});
    }
}

TEST_CASE("entropy in another scan order agrees with its plain version in double") {
    EntropyOptions options{.order = 3, .scan = {0, 1}};
    check_operator("entropy by columns", [=](const Tensors& x) { return entropy_between(x, 4, options); },
                   two_of({7, 9}, {4, 3, 5}, -0.3, 0.3), {.result = near_bits, .slope = near_slopes});
}

TEST_CASE("entropy of many weights, whose tuples are counted in pieces, agrees with its plain version in double") {
    for (int levels : {4, 102}) {  // of order 3: a dense table and one of hashes
        check_operator(fmt::format("entropy and slope of many weights, {} levels", levels),
                       [=](const Tensors& x) {
                           Tensor h = entropy(x, given_levels(x, levels), {.order = 3});
                           return h + 1000.0f * grad(h, x)[0].gradient;  // of the same magnitude
                       },
                       {{.shape = {9001}, .low = -3, .high = 3}}, {.result = near_bits, .gradient = false});
    }
}

TEST_CASE("entropy agrees with the formula of the paper") {
    for (bool conditional : {false, true}) {
        for (Pooling pooling : {Pooling::per_tensor, Pooling::shared}) {
            for (int order = 1; order <= 8; ++order) {
                for (int levels : {2, 4, 20}) {
                    size_t      size = order <= 4 ? 401 : 61;
                    EntropyCase c    = case_of(order, levels, size, conditional, pooling);
                    CAPTURE(conditional);
                    CAPTURE(int(pooling));
                    CAPTURE(order);
                    CAPTURE(levels);
                    CHECK(std::fabs(value_of_entropy(c) - plain_entropy(c)) < 1e-5);
                }
            }
        }
    }
}

TEST_CASE("the tables of these cases are of both kinds") {
    CHECK(TableLayout::of(4, 8, 100).dense);
    CHECK_FALSE(TableLayout::of(20, 5, 40).dense);
    CHECK_FALSE(TableLayout::of(40, 4, 50).dense);
    CHECK_FALSE(TableLayout::of(102, 3, 3000).dense);
    CHECK_FALSE(TableLayout::of(256, 8, 1000).dense);
}

TEST_CASE("the gradient of the entropy agrees with differences strictly between levels") {
    // Tuples are many against the cells, so that no probability is below the least one that logarithms are taken of.
    struct Size {
        int    order;
        int    levels;
        size_t weights;
    };
    for (bool conditional : {false, true}) {
        for (Pooling pooling : {Pooling::per_tensor, Pooling::shared}) {
            for (Size size : {Size{1, 2, 31},
                              {1, 300 / 2, 900},
                              {2, 3, 61},
                              {2, 16, 3000},
                              {3, 4, 400},
                              {4, 3, 500},
                              {5, 2, 300},
                              {8, 2, 403}}) {
                EntropyCase c;
                c.options = {.order = size.order, .conditional = conditional, .pooling = pooling};
                c.levels  = {some_levels(size.levels), some_levels(size.levels)};
                c.weights = {weights_between(c.levels[0], size.weights, 0.2, 5),
                             weights_between(c.levels[1], size.weights + 3, 0.2, 6)};
                CAPTURE(conditional);
                CAPTURE(int(pooling));
                CAPTURE(size.order);
                CAPTURE(size.levels);
                constexpr float dy     = -3;
                auto            slopes = slopes_of(c, dy);
                REQUIRE(slopes.size() == 2);
                double largest = 0;
                for (float slope : slopes[1]) {
                    largest = std::max(largest, std::fabs(double{slope}));
                }
                REQUIRE(largest > 0);
                size_t count = c.weights[1].size();
                // Both ends, where windows are fewer, and the middle.
                for (size_t i : {size_t{0}, size_t{1}, c.order(), count / 2, count - c.order() - 1, count - 1}) {
                    CAPTURE(i);
                    CHECK(std::fabs(slopes[1][i] - dy * plain_slope(c, 1, i)) < 1e-4 * largest);
                }
            }
        }
    }
}

TEST_CASE("soft and hard entropy agree on a fully quantized tensor") {
    for (int order : {1, 2, 3, 4, 8}) {
        EntropyCase        c = case_of(order, 5, 999);
        std::vector<float> w(c.weights[0].begin(), c.weights[0].end());
        std::vector<float> levels(c.levels[0].begin(), c.levels[0].end());
        std::vector<float> quantized = nearest(w, levels);
        c.weights                    = {Weights(quantized.begin(), quantized.end())};
        c.levels                     = {c.levels[0]};
        // Hard: counting tuples of symbols.
        std::map<Tuple, int> counts;
        std::vector<uint8_t> symbol = symbols(w, levels);
        double               tuples = static_cast<double>(c.tuples(0));
        for (size_t t = 0; t < c.tuples(0); ++t) {
            auto first = symbol.begin() + static_cast<std::ptrdiff_t>(t * c.order());
            ++counts[Tuple(first, first + order)];
        }
        double hard = 0;
        for (const auto& [tuple, count] : counts) {
            hard -= count / tuples * std::log2(count / tuples);
        }
        Tensor h = entropy_of(c);
        CHECK(Runner()(h).values<float>()[0] == doctest::Approx(hard).epsilon(1e-6));
        CHECK(Runner()(distinct_tuples(h)).values<int64_t>()[0] == static_cast<int64_t>(counts.size()));
        CHECK(tuple_count(h) == static_cast<int64_t>(c.tuples(0)));
        std::vector<float> slopes = slopes_of(c)[0];
        CHECK(std::all_of(slopes.begin(), slopes.end(), [](float slope) { return std::isfinite(slope); }));
    }
}

TEST_CASE("the gradient at and beyond levels") {
    EntropyCase c;
    c.levels  = {{-1, 0, 1}};
    c.options = {.order = 1};
    SUBCASE("is zero at the highest level and outside, and for NaN") {
        c.weights   = {{-1.5, 1, 2, NAN, 0.5, -0.5}};
        auto slopes = slopes_of(c)[0];
        for (size_t i = 0; i < 4; ++i) {
            CHECK(slopes[i] == 0);
        }
        CHECK(slopes[4] != 0);
    }
    SUBCASE("at another level is that towards the interval above, of a least probability where nobody is") {
        c.weights = {{-1, -1, -1, -1, 0, 0, 0, 0}};
        // p is 1/2 at -1 and 0, and taken as 1/(1024 * 8) at 1.
        auto slopes = slopes_of(c)[0];
        CHECK(slopes[0] == 0);
        CHECK(slopes[7] == doctest::Approx((std::log2(0.5) - std::log2(1 / 8192.0)) / 8));
    }
    SUBCASE("is finite, and the formula's, for weights anywhere") {
        for (bool conditional : {false, true}) {
            for (int order : {1, 2, 3, 4, 6}) {
                for (int levels : {4, 40}) {
                    EntropyCase         all      = case_of(order, levels, 97, conditional, Pooling::shared);
                    std::vector<float>  slopes   = slopes_of(all)[1];
                    std::vector<double> expected = slopes_by_formula(all, 1);
                    double              largest  = 0;
                    for (double slope : expected) {
                        largest = std::max(largest, std::fabs(slope));
                    }
                    for (size_t i = 0; i < slopes.size(); ++i) {
                        CAPTURE(conditional);
                        CAPTURE(order);
                        CAPTURE(i);
                        REQUIRE(std::fabs(slopes[i] - expected[i]) < 1e-5 * largest);
                    }
                }
            }
        }
    }
}

TEST_CASE("a constant tensor has no entropy and a finite gradient") {
    for (int order : {1, 4}) {
        EntropyCase c;
        c.options                 = {.order = order};
        std::vector<float> levels = lloyd_max(std::vector<float>(100, 1.0f), 4).levels;
        c.levels                  = {Levels(levels.begin(), levels.end())};
        c.weights                 = {Weights(100, 1.0)};
        CHECK(value_of_entropy(c) == 0);
        CHECK(std::isfinite(slopes_of(c)[0][50]));
    }
}

TEST_CASE("weights at the end that fill no tuple change nothing") {
    EntropyCase c      = case_of(3, 4, 300);
    EntropyCase longer = c;
    longer.weights[0].push_back(0.1);
    longer.weights[0].push_back(0.2);
    CHECK(value_of_entropy(longer) == value_of_entropy(c));
    auto slopes = slopes_of(longer)[0];
    CHECK(slopes.size() == 302);
    CHECK(slopes[300] == 0);
    CHECK(slopes[301] == 0);
}

TEST_CASE("the scan order") {
    // A column of zeros and one of ones: neighbours in a row differ, neighbours in a column do not.
    Tensor         w      = variable("w", Array(Shape{4, 2}, std::vector<float>{0, 1, 0, 1, 0, 1, 0, 1}));
    Tensor         levels = variable("levels", Array(Shape{2}, std::vector<float>{0, 1}));
    EntropyOptions options{.order = 2};
    auto           bits = [&] { return compile({entropy({w}, {levels}, options)}); };
    SUBCASE("exchanges two axes") {
        Program rows = bits();
        rows.run();
        CHECK(rows.scalar(0) == 0);
        options.scan    = {0, 1};
        Program columns = bits();
        columns.run();
        CHECK(columns.scalar(0) == 1);
    }
    SUBCASE("leaves a tensor without these axes as it is") {
        options.scan = {1, 3};
        Program rows = bits();
        rows.run();
        CHECK(rows.scalar(0) == 0);
    }
    SUBCASE("brings gradients back to where the weights are") {
        EntropyCase c;
        c.options     = options;
        c.levels      = {{0, 1}};
        c.weights     = {{0.1, 0.2, 0.7, 0.4, 0.5, 0.9}};  // [3, 2] read column by column
        Tensor stored = variable("stored", Array(Shape{3, 2}, std::vector<float>{0.1f, 0.4f, 0.2f, 0.5f, 0.7f, 0.9f}));
        options.scan  = {0, 1};
        Tensor  h     = entropy({stored}, {levels}, options);
        Program slope = compile({grad(h, {stored})[0].gradient});
        slope.run();
        std::vector<float> expected = slopes_of(c)[0];
        for (size_t i = 0; i < 6; ++i) {
            CHECK(slope.output(0).values<float>()[i] == expected[i % 2 * 3 + i / 2]);
        }
    }
    SUBCASE("refuses axes counted from the end") {
        options.scan = {0, -1};
        CHECK_THROWS_AS(bits(), UsageError);
    }
}

TEST_CASE("conditional and pooled entropy") {
    SUBCASE("a weight that follows from the one before has no conditional entropy") {
        EntropyCase c;
        c.options = {.order = 2, .conditional = true};
        c.levels  = {{0, 1}};
        for (int i = 0; i < 1001; ++i) {
            c.weights.resize(1);
            c.weights[0].push_back(i % 2);
        }
        CHECK(value_of_entropy(c) == doctest::Approx(0).scale(1));
        c.options = {.order = 1};
        CHECK(value_of_entropy(c) == doctest::Approx(1).epsilon(1e-5));
    }
    SUBCASE("of independent weights the conditional one is the first-order one, the joint one n times that") {
        EntropyCase c;
        c.levels   = {some_levels(4)};
        c.weights  = {weights_between(c.levels[0], 60000, 0.0, 9)};
        c.options  = {.order = 1};
        double one = value_of_entropy(c);
        c.options  = {.order = 3};
        CHECK(value_of_entropy(c) == doctest::Approx(3 * one).epsilon(5e-3));
        c.options = {.order = 3, .conditional = true};
        CHECK(value_of_entropy(c) == doctest::Approx(one).epsilon(5e-3));
    }
    SUBCASE("one tensor alone is the same pooled or not, bit for bit") {
        for (bool conditional : {false, true}) {
            EntropyCase c          = case_of(3, 4, 500, conditional);
            c.weights              = {c.weights[0]};
            c.levels               = {c.levels[0]};
            EntropyCase pooled     = c;
            pooled.options.pooling = Pooling::shared;
            CHECK(value_of_entropy(pooled) == value_of_entropy(c));
            CHECK(slopes_of(pooled) == slopes_of(c));
        }
    }
    SUBCASE("a shared table costs what tensors of different distributions differ by") {
        EntropyCase c;
        c.levels  = {{0, 1}, {0, 1}};
        c.weights = {Weights(100, 0.0), Weights(100, 1.0)};
        c.options = {.order = 1};
        CHECK(value_of_entropy(c) == 0);
        c.options.pooling = Pooling::shared;
        CHECK(value_of_entropy(c) == 1);
    }
}

TEST_CASE("a hash table counts as a dense one does") {
    // 101 levels of which the weights use the first 6: of order 4 a dense table has no room for 101^4.
    for (bool conditional : {false, true}) {
        EntropyCase dense;
        dense.options      = {.order = 4, .conditional = conditional};
        dense.levels       = {some_levels(6)};
        dense.weights      = {weights_between(dense.levels[0], 5003, 0.0, 8)};
        EntropyCase hashed = dense;
        for (int i = 0; i < 95; ++i) {
            hashed.levels[0].push_back(100 + i);
        }
        REQUIRE(TableLayout::of(6, 4, 5000).dense);
        REQUIRE_FALSE(TableLayout::of(101, 4, 5000).dense);
        CHECK(value_of_entropy(hashed) == value_of_entropy(dense));
        CHECK(Runner()(distinct_tuples(entropy_of(hashed))).values<int64_t>()[0] ==
              Runner()(distinct_tuples(entropy_of(dense))).values<int64_t>()[0]);
        CHECK(slopes_of(hashed) == slopes_of(dense));
    }
    SUBCASE("up to the last key that there is") {
        EntropyCase c;
        c.options = {.order = 8};
        c.levels  = {some_levels(256)};
        c.weights = {Weights(80, c.levels[0].back())};
        c.weights[0].resize(160, c.levels[0].front());
        CHECK(value_of_entropy(c) == 1);
        CHECK(Runner()(distinct_tuples(entropy_of(c))).values<int64_t>()[0] == 2);
    }
}

TEST_CASE("entropy and its gradient have the same bits for any number of threads and any instruction set") {
    for (bool conditional : {false, true}) {
        for (int order : {1, 3, 4}) {
            for (int levels : {4, 60}) {  // of order 4: a dense table and one of hashes
                EntropyCase                     c = case_of(order, levels, 10007, conditional, Pooling::shared);
                std::vector<std::vector<float>> expected;
                float                           expected_value = 0;
                for_each_instruction_set([&](InstructionSet) {
                    for (int threads : {1, 2, 3, 4}) {
                        Runner run(threads);
                        float  value  = run(entropy_of(c)).values<float>()[0];
                        auto   slopes = slopes_of(c, run);
                        if (expected.empty()) {
                            expected       = slopes;
                            expected_value = value;
                        }
                        CHECK(value == expected_value);
                        CHECK(slopes == expected);
                    }
                });
            }
        }
    }
}

TEST_CASE("entropy refuses") {
    Tensor w      = constant(Array({Shape{1000}, DType::f32}));
    Tensor levels = constant(Array({Shape{16}, DType::f32}));
    SUBCASE("tables beyond the limit on memory, before they are allocated") {
        EntropyOptions options{.order = 8, .max_bytes = 1 << 20};
        CHECK(entropy_bytes({w}, {levels}, options) > (1 << 20));
        CHECK_THROWS_WITH_AS(entropy({w}, {levels}, options),
                             "entropy: order 8 needs 1.3 MiB for its tables, more than the limit of 1.0 MiB; lower the "
                             "order or the number of levels, or raise the limit",
                             Error);
        options.max_bytes = 1 << 21;
        CHECK_NOTHROW(entropy({w}, {levels}, options));
    }
    SUBCASE("an order beyond 1 to 8") {
        CHECK_THROWS_WITH_AS(entropy({w}, {levels}, {.order = 0}), "entropy: order 0 asked for; give 1 to 8",
                             UsageError);
        CHECK_THROWS_AS(entropy({w}, {levels}, {.order = 9}), UsageError);
    }
    SUBCASE("a tensor smaller than a tuple") {
        CHECK_THROWS_AS(entropy({constant(Array({Shape{3}, DType::f32}))}, {levels}, {.order = 4}), ShapeError);
    }
    SUBCASE("weights without levels, and levels that are none") {
        CHECK_THROWS_AS(entropy({w, w}, {levels}, {}), ShapeError);
        CHECK_THROWS_AS(entropy({w}, {constant(1.0f)}, {}), ShapeError);
    }
}

TEST_CASE("predicted memory for LeNet-5 stays below 64 MB up to order 4 and 16 levels") {
    Tensors weights;
    Tensors levels;
    for (int64_t size : {500, 25000, 400000, 5000}) {
        weights.push_back(constant(Array({Shape{size}, DType::f32})));
        levels.push_back(constant(Array({Shape{16}, DType::f32})));
    }
    for (Pooling pooling : {Pooling::per_tensor, Pooling::shared}) {
        for (bool conditional : {false, true}) {
            CHECK(entropy_bytes(weights, levels, {.order = 4, .conditional = conditional, .pooling = pooling}) <
                  64'000'000);
        }
    }
}
