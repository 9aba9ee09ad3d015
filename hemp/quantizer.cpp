#include "hemp/quantizer.h"

#include "core/error.h"
#include "core/kernels/dispatch.h"
#include "hemp/thresholds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

namespace hemp {
namespace {

void check_count(std::string_view who, int levels) {
    if (levels < 2 || levels > static_cast<int>(most_levels)) {
        fail<UsageError>("{}: {} levels asked for; give 2 to {}", who, levels, most_levels);
    }
}

void check_weights(std::string_view who, std::span<const float> weights) {
    if (weights.empty()) {
        fail("{}: there are no weights to make levels from", who);
    }
    auto bad = std::find_if_not(weights.begin(), weights.end(), [](float w) { return std::isfinite(w); });
    if (bad != weights.end()) {
        fail("{}: weight {} is {}; levels need finite weights, look for what broke them in training", who,
             bad - weights.begin(), *bad);
    }
}

struct Statistics {
    double mean;
    double deviation;
    float  lowest;
    float  highest;

    bool   constant() const { return lowest == highest; }
    double largest() const { return std::max(std::fabs(double{lowest}), std::fabs(double{highest})); }
};

Statistics statistics(std::span<const float> weights) {
    double count = static_cast<double>(weights.size());
    double sum   = 0;
    for (float w : weights) {
        sum += w;
    }
    double mean    = sum / count;
    double squares = 0;
    for (float w : weights) {
        squares += (w - mean) * (w - mean);
    }
    auto [lowest, highest] = std::minmax_element(weights.begin(), weights.end());
    return {mean, std::sqrt(squares / count), *lowest, *highest};
}

// Rounding to float may let neighbours collapse; a quantizer's levels never do.
Quantizer quantizer(std::string_view who, const std::vector<double>& levels) {
    Quantizer result;
    for (double level : levels) {
        float value = static_cast<float>(level);
        if (!result.levels.empty() && !(value > result.levels.back())) {
            value = std::nextafter(result.levels.back(), std::numeric_limits<float>::infinity());
        }
        if (!std::isfinite(value)) {
            fail("{}: a level is beyond the range of float; scale the weights down", who);
        }
        result.levels.push_back(value);
    }
    return result;
}

// One level on the constant, the others within half its magnitude.
std::vector<double> levels_around(double constant, int levels) {
    double              step = (constant == 0 ? 1 : std::fabs(constant)) / levels;
    std::vector<double> result;
    for (int i = 0; i < levels; ++i) {
        result.push_back(constant + (i - levels / 2) * step);
    }
    return result;
}

// Sums over any range of sorted weights in constant time, so that a round of Lloyd costs a few binary searches.
class SortedWeights {
 public:
    explicit SortedWeights(std::span<const float> weights) : sorted_(weights.begin(), weights.end()) {
        std::sort(sorted_.begin(), sorted_.end());
        sums_.reserve(sorted_.size() + 1);
        squares_.reserve(sorted_.size() + 1);
        for (double w : sorted_) {
            sums_.push_back(sums_.back() + w);
            squares_.push_back(squares_.back() + w * w);
        }
    }

    size_t size() const { return sorted_.size(); }
    float  operator[](size_t i) const { return sorted_[i]; }
    size_t not_above(double threshold) const {
        return static_cast<size_t>(std::upper_bound(sorted_.begin(), sorted_.end(), threshold) - sorted_.begin());
    }
    double mean(size_t begin, size_t end) const {
        return (sums_[end] - sums_[begin]) / static_cast<double>(end - begin);
    }
    /// Sum of (w - level)^2.
    double error(size_t begin, size_t end, double level) const {
        return squares_[end] - squares_[begin] - 2 * level * (sums_[end] - sums_[begin]) +
               level * level * static_cast<double>(end - begin);
    }

 private:
    std::vector<float>  sorted_;
    std::vector<double> sums_{0};
    std::vector<double> squares_{0};
};

struct Fit {
    std::vector<double> levels;
    double              error = std::numeric_limits<double>::infinity();
};

constexpr size_t no_level = std::numeric_limits<size_t>::max();

Fit lloyd(const SortedWeights& weights, std::vector<double> levels, size_t fixed) {
    constexpr int    most_rounds = 1000;
    constexpr double least_gain  = 1e-9;  // of the error: less is rounding
    Fit              fit{std::move(levels)};
    for (int round = 0; round < most_rounds; ++round) {
        std::vector<double> centroids = fit.levels;
        double              error     = 0;
        size_t              begin     = 0;
        for (size_t i = 0; i < centroids.size(); ++i) {
            bool   last = i + 1 == centroids.size();
            size_t end  = last ? weights.size() : weights.not_above(0.5 * (fit.levels[i] + fit.levels[i + 1]));
            if (end > begin) {  // an empty cell keeps its level, which still lies between its neighbours' centroids
                centroids[i] = i == fixed ? centroids[i] : weights.mean(begin, end);
                error += weights.error(begin, end, centroids[i]);
            }
            begin = end;
        }
        if (!(error < fit.error * (1 - least_gain))) {
            break;
        }
        fit = {std::move(centroids), error};
    }
    return fit;
}

double step_of(std::span<const float> weights, int levels, const UniformStep& step) {
    Statistics stats = statistics(weights);
    double     width = step.deviations * stats.deviation;
    if (!(width > 0)) {
        width = 2 * stats.largest() / levels;
    }
    return width > 0 ? width : 1;
}

double gaussian_density(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi); }

// Of the upper tail: exact where the probability is small, which a difference of two cumulative probabilities is not.
double gaussian_tail(double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); }

// The x that leaves `tail`, at most one half, above it.
double gaussian_quantile(double tail) {
    double low  = 0;
    double high = 10;
    for (int halving = 0; halving < 60; ++halving) {
        double middle                               = 0.5 * (low + high);
        (gaussian_tail(middle) > tail ? low : high) = middle;
    }
    return low;
}

// The right half of the levels for a standard Gaussian: they are symmetric, so half the work and exact symmetry.
std::vector<double> gaussian_levels(int levels) {
    constexpr int    most_rounds = 5000;
    constexpr double least_move  = 1e-8;  // of a standard deviation: below float's resolution of the outer levels
    size_t           half        = static_cast<size_t>((levels + 1) / 2);
    bool             odd         = levels % 2 == 1;
    // Many levels lie as dense as the cube root of the density (Panter and Dite, 1951): a Gaussian again, of
    // variance 3. From there few rounds are left; from equal steps 256 levels would need tens of thousands.
    std::vector<double> right(half);
    for (size_t i = 0; i < half; ++i) {
        right[i] = std::sqrt(3.0) * gaussian_quantile(0.5 - (static_cast<double>(i) + (odd ? 0 : 0.5)) / levels);
    }
    double move = 1;
    for (int round = 0; round < most_rounds && move > least_move; ++round) {
        move                       = 0;
        double              begin  = odd ? -0.5 * (half > 1 ? right[1] : 0) : 0;
        std::vector<double> before = right;
        for (size_t i = 0; i < half; ++i) {
            bool   last        = i + 1 == half;
            double end         = last ? 0 : 0.5 * (before[i] + before[i + 1]);
            double density_end = last ? 0 : gaussian_density(end);
            double tail_end    = last ? 0 : gaussian_tail(end);
            right[i]           = (gaussian_density(begin) - density_end) / (gaussian_tail(begin) - tail_end);
            move               = std::max(move, std::fabs(right[i] - before[i]));
            begin              = end;
        }
    }
    std::vector<double> result;
    for (size_t i = half; i-- > (odd ? 1u : 0u);) {
        result.push_back(-right[i]);
    }
    for (size_t i = 0; i < half; ++i) {
        result.push_back(odd && i == 0 ? 0 : right[i]);
    }
    return result;
}

}  // namespace

Quantizer lloyd_max(std::span<const float> weights, int levels, const LloydMaxOptions& options) {
    check_count("lloyd_max", levels);
    check_weights("lloyd_max", weights);
    SortedWeights       sorted(weights);
    double              lowest  = sorted[0];
    double              highest = sorted[sorted.size() - 1];
    std::vector<double> equal_steps;
    std::vector<double> equal_shares;
    for (int i = 0; i < levels; ++i) {
        double middle = (i + 0.5) / levels;
        equal_steps.push_back(lowest + middle * (highest - lowest));
        equal_shares.push_back(sorted[static_cast<size_t>(middle * static_cast<double>(sorted.size()))]);
    }
    if (lowest == highest) {
        equal_steps = equal_shares = levels_around(lowest, levels);
    }
    Fit best;
    for (std::vector<double> start : {equal_steps, equal_shares}) {
        size_t fixed = no_level;
        if (options.zero) {
            auto closer  = [](double a, double b) { return std::fabs(a) < std::fabs(b); };
            fixed        = static_cast<size_t>(std::min_element(start.begin(), start.end(), closer) - start.begin());
            start[fixed] = 0;
        }
        Fit fit = lloyd(sorted, std::move(start), fixed);
        if (fit.error < best.error) {
            best = std::move(fit);
        }
    }
    return quantizer("lloyd_max", best.levels);
}

Quantizer lloyd_max_gaussian(std::span<const float> weights, int levels) {
    check_count("lloyd_max_gaussian", levels);
    check_weights("lloyd_max_gaussian", weights);
    Statistics stats = statistics(weights);
    if (stats.constant()) {
        return quantizer("lloyd_max_gaussian", levels_around(stats.lowest, levels));
    }
    std::vector<double> scaled = gaussian_levels(levels);
    for (double& level : scaled) {
        level = stats.mean + stats.deviation * level;
    }
    return quantizer("lloyd_max_gaussian", scaled);
}

Quantizer uniform_mid_rise(std::span<const float> weights, int levels, const UniformStep& step) {
    check_count("uniform_mid_rise", levels);
    if (levels % 2 == 1) {
        fail<UsageError>(
            "uniform_mid_rise: {} levels asked for; an odd number has a level at zero, use the mid-tread one", levels);
    }
    check_weights("uniform_mid_rise", weights);
    double              width = step_of(weights, levels, step);
    std::vector<double> result;
    for (int i = 0; i < levels; ++i) {
        result.push_back((i - 0.5 * (levels - 1)) * width);
    }
    return quantizer("uniform_mid_rise", result);
}

Quantizer uniform_mid_tread(std::span<const float> weights, int levels, const UniformStep& step) {
    check_count("uniform_mid_tread", levels);
    check_weights("uniform_mid_tread", weights);
    double              width = step_of(weights, levels, step);
    std::vector<double> result;
    for (int i = 0; i < levels; ++i) {
        result.push_back((i - levels / 2) * width);
    }
    return quantizer("uniform_mid_tread", result);
}

Quantizer given_levels(std::vector<float> levels) {
    check_count("given_levels", static_cast<int>(std::min<size_t>(levels.size(), most_levels + 1)));
    for (float level : levels) {
        if (!std::isfinite(level)) {
            fail<UsageError>("given_levels: {} is among the levels; give finite numbers", level);
        }
    }
    std::sort(levels.begin(), levels.end());
    auto twice = std::adjacent_find(levels.begin(), levels.end());
    if (twice != levels.end()) {
        fail<UsageError>("given_levels: the level {} is given twice", *twice);
    }
    return {std::move(levels)};
}

Quantizer ternary(std::span<const float> weights) {
    check_weights("ternary", weights);
    double sum = 0;
    for (float w : weights) {
        sum += std::fabs(w);
    }
    double threshold = 0.7 * sum / static_cast<double>(weights.size());
    double beyond    = 0;
    double count     = 0;
    for (float w : weights) {
        if (std::fabs(w) > threshold) {
            beyond += std::fabs(w);
            count += 1;
        }
    }
    double scale = count > 0 ? beyond / count : 1;  // no weight is beyond where all are zero
    return quantizer("ternary", {-scale, 0, scale});
}

Quantizer power_of_two(std::span<const float> weights, int levels) {
    check_count("power_of_two", levels);
    check_weights("power_of_two", weights);
    double              largest  = statistics(weights).largest();
    int                 exponent = largest > 0 ? static_cast<int>(std::floor(std::log2(4.0 / 3 * largest))) : 0;
    int                 pairs    = levels / 2;
    std::vector<double> result;
    for (int i = 0; i < pairs; ++i) {
        result.push_back(-std::ldexp(1.0, exponent - i));
    }
    if (levels % 2 == 1) {
        result.push_back(0);
    }
    for (int i = pairs - 1; i >= 0; --i) {
        result.push_back(std::ldexp(1.0, exponent - i));
    }
    if (std::ldexp(1.0, exponent - pairs + 1) < std::numeric_limits<float>::denorm_min()) {
        fail<UsageError>("power_of_two: {} levels below {} reach beyond the range of float; ask for fewer", levels,
                         largest);
    }
    return quantizer("power_of_two", result);
}

std::vector<uint8_t> symbols(std::span<const float> weights, std::span<const float> levels) {
    constexpr size_t tile_size = 1024;
    check_count("symbols", static_cast<int>(std::min<size_t>(levels.size(), most_levels + 1)));
    Thresholds           thresholds  = Thresholds::between(levels);
    auto                 count_below = kernel<CountBelow, void(const float*, const Thresholds*, int32_t*, int64_t)>();
    std::vector<uint8_t> result(weights.size());
    int32_t              tile[tile_size];
    for (size_t begin = 0; begin < weights.size(); begin += tile_size) {
        size_t size = std::min(tile_size, weights.size() - begin);
        count_below(weights.data() + begin, &thresholds, tile, static_cast<int64_t>(size));
        std::transform(tile, tile + size, result.begin() + static_cast<std::ptrdiff_t>(begin),
                       [](int32_t symbol) { return static_cast<uint8_t>(symbol); });
    }
    return result;
}

std::vector<float> nearest(std::span<const float> weights, std::span<const float> levels) {
    std::vector<float> result;
    result.reserve(weights.size());
    for (uint8_t symbol : symbols(weights, levels)) {
        result.push_back(levels[symbol]);
    }
    return result;
}

}  // namespace hemp
