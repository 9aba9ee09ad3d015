#pragma once

#include "core/grad.h"
#include "hemp/entropy.h"
#include "hemp/quantizer.h"
#include "hemp/standing.h"

namespace hemp {

/// How levels come from weights.
enum class LevelRule : uint8_t { mid_tread, mid_rise, lloyd_max, lloyd_max_gaussian, ternary, power_of_two };

/// What is to become small.
enum class Target : uint8_t {
    entropy,  ///< of the soft symbols
    coder,    ///< what the file's coder takes for the nearest levels
};

struct RegularizerOptions {
    Target    target     = Target::entropy;
    int       levels     = 7;
    LevelRule rule       = LevelRule::mid_tread;
    double    deviations = 2;  ///< mid_tread, mid_rise: step in standard deviations of the weights; 0: from the range
    bool      zero       = false;  ///< one level is exactly zero: of those that the rule gives, the least in magnitude
    EntropyOptions entropy = {};
};

/// The entropy regularizer over weights: their levels, the entropy of their soft symbols, its gradient as a cached
/// variable (it changes slowly, and is refreshed by a program of its own), and what acts on a training step.
///
///     Regularizer hemp(net.weights(), {.levels = 7});
///     Program refresh = compile({hemp.bits()}, hemp.refresh());       // every 10 steps
///     Tensor  loss    = hemp.quantized(float_loss);                   // forward pass on Q(w), straight-through
///     Gradients grads = hemp.penalized(grad(loss, net.trained()), coefficient);
///
/// or, as the paper has it, updates = hemp.pulled(updates, grads, {...}) after the optimizer's.
class Regularizer {
 public:
    /// Fits levels to the weights: for Target::coder in the order of the file. Tensors with fewer than 10 L weights,
    /// for Target::coder L, take no part.
    Regularizer(const Tensors& weights, const RegularizerOptions& options);

    const Tensors& weights() const { return weights_; }  ///< those that take part
    const Tensors& levels() const { return levels_; }    ///< [L] of each, increasing
    const Tensors& steps() const { return steps_; }      ///< scalar variables that scale each tensor's levels
    const Tensors& grids() const { return grids_; }      ///< [L] variables: the levels in steps
    const Tensors& slopes() const { return slopes_; }    ///< cached gradients of the target, variables

    /// The levels of the i-th tensor as they are now.
    std::vector<float> level_values(size_t i) const;

    /// Fits the levels again to the weights as they are now.
    void fit();

    /// Entropy in bits a weight (of order n: H_n / n).
    Tensor bits() const { return bits_; }

    /// What the weights have reached: the entropy H_n of their nearest levels, in bits a tuple, with no softness left.
    Tensor hard_entropy() const;

    /// Bits a weight of an entropy in bits a tuple.
    float per_weight() const { return per_weight_; }

    /// New values of the cached gradients: those of bits(). For Target::entropy.
    Updates refresh() const;

    /// For Target::coder: what the coder takes for the nearest levels as they are now, in bits a weight. Caches for
    /// each weight how that rises with its magnitude, from the level below it to the one above, the other weights being
    /// what they are. A weight that changes its sign before the next call is still drawn towards zero.
    ///   standing   of each of the weights in the file; none given: as they are
    double price(const std::vector<Standing>& standing = {});

    /// The same loss with every weight read as its nearest level; gradients go straight through to the weights, and to
    /// the levels.
    Tensor quantized(const Tensor& loss) const { return quantized(Tensors{loss})[0]; }
    /// The same of a loss and what else the forward pass gives: new statistics of batch norm.
    Tensors quantized(const Tensors& tensors) const;

    /// Gradients of loss + coefficient * bits a weight, with the cached gradient of the bits: to the weights, and to
    /// steps() where `gradients` has them.
    Gradients penalized(const Gradients& gradients, const Tensor& coefficient) const;

    struct Pull {
        Tensor entropy;  ///< lambda_H, scalar
        Tensor level;    ///< lambda_Q, scalar
    };
    /// The optimizer's new weights moved down the entropy's slope and towards their levels, each by its insensitivity
    /// to the loss, 1 - |g| / max|g|, and clamped to half a step beyond the outer levels.
    ///   source  HEMP, 2021, equations 12 to 14
    Updates pulled(const Updates& updates, const Gradients& gradients, const Pull& pull) const;

 private:
    Tensor slope(size_t i) const;  // of the i-th tensor's weights, in bits a weight

    RegularizerOptions options_;
    Tensors            weights_, levels_, grids_, steps_, slopes_;
    float              per_weight_ = 1;
    Tensor             bits_;
};

}  // namespace hemp
