#pragma once
// Levels for the weights of one tensor, made from the weights or given. Nothing downstream asks which function made
// them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hemp {

constexpr size_t most_levels = 256;  ///< a symbol is a byte

/// The reconstruction levels of one tensor: 2 to most_levels, finite, strictly increasing. A weight's symbol is the
/// index of its nearest level.
///
/// Every function below that makes one from weights is deterministic, works on constant tensors (lloyd_max and
/// lloyd_max_gaussian then put a level exactly on the constant), and throws
///   Error       on no weights, or one that is NaN or infinite (it is named by its index)
///   UsageError  on a number of levels that the function cannot make
struct Quantizer {
    std::vector<float> levels;
};

struct LloydMaxOptions {
    bool zero = false;  ///< one level stays at exactly zero
};

/// Levels that minimise the mean squared error of these very weights: nearest-level thresholds and centroids alternate
/// until the error stops falling, from two starts (equal steps, equal shares of the weights); the better end is taken.
///   source  Lloyd, "Least squares quantization in PCM", 1982; Max, "Quantizing for minimum distortion", 1960
Quantizer lloyd_max(std::span<const float> weights, int levels, const LloydMaxOptions& options = {});

/// The same with the centroids of a Gaussian that has the weights' mean and variance, as the authors of HEMP do.
Quantizer lloyd_max_gaussian(std::span<const float> weights, int levels);

/// How far apart equally spaced levels are.
struct UniformStep {
    double deviations = 0;  ///< in standard deviations of the weights; 0: the cells just cover -max|w| .. max|w|
};

/// Levels at odd multiples of half a step; zero is a threshold. The number of levels is even.
Quantizer uniform_mid_rise(std::span<const float> weights, int levels, const UniformStep& step = {});

/// Levels at multiples of the step, one at exactly zero; an even number of levels has one more below zero than above.
Quantizer uniform_mid_tread(std::span<const float> weights, int levels, const UniformStep& step = {});

/// A user's own levels, in any order. Throws UsageError unless they are 2 to most_levels different finite numbers.
Quantizer given_levels(std::vector<float> levels);

/// -s, 0, s, where s is the mean magnitude of the weights beyond 0.7 mean|w|.
///   source  Li, Zhang, Liu, "Ternary weight networks", 2016, equation 6
Quantizer ternary(std::span<const float> weights);

/// Powers of two of both signs, and zero where the number of levels is odd. The largest is 2^floor(log2(4/3 max|w|)).
///   source  Zhou, Yao, Guo, Xu, Chen, "Incremental network quantization", 2017, equation 2
Quantizer power_of_two(std::span<const float> weights, int levels);

/// The index of each weight's nearest level; halfway between two it is the lower. NaN gets 0.
std::vector<uint8_t> symbols(std::span<const float> weights, std::span<const float> levels);

/// Each weight's nearest level: levels[symbol].
std::vector<float> nearest(std::span<const float> weights, std::span<const float> levels);

}  // namespace hemp
