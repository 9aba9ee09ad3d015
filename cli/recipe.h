#pragma once

#include "datasets/augment/augmentation.h"
#include "hemp/regularizer.h"
#include "optim/schedule.h"

namespace hemp {

/// How a network is trained. Recipes have names; a user changes single fields by flags.
struct Recipe {
    enum class Optimizer : uint8_t { sgd, adam };
    /// How the entropy acts: not at all; through the gradient, with the forward pass on quantized weights; or as the
    /// paper has it, on the weights after the optimizer's step.
    enum class Method : uint8_t { plain, straight_through, pull };

    std::string    name;
    int64_t        epochs       = 20;
    int64_t        batch        = 100;  ///< images a step
    Optimizer      optimizer    = Optimizer::sgd;
    float          rate         = 0.1f;  ///< the highest of the schedule, per step
    float          momentum     = 0.9f;  ///< of SGD
    bool           nesterov     = false;
    float          weight_decay = 0;  ///< per step
    Schedule::Kind schedule     = Schedule::Kind::one_cycle;
    Augmentation   augmentation = {};
    float          smoothing    = 0;  ///< of the labels: share of the target that is spread over all classes
    float          mixup        = 0;  ///< alpha of the share that images keep of themselves; 0: they are not mixed
    float          clip_norm    = 0;  ///< the greatest norm of all gradients of the loss together; 0: any

    double prune             = 0;  ///< share of each tensor of weights that is zero in the end, by magnitude
    double prune_tolerance   = 0;  ///< or by sensitivity: rise of the held-out loss, relative, that pruning may cost
    float  insensitive_decay = 1e-4f;  ///< with prune_tolerance, of weights that the loss does not need, per step

    Method             method      = Method::plain;
    RegularizerOptions regularizer = {};
    float              entropy     = 0;     ///< coefficient of the entropy in bits a weight; of lambda_H in `pull`
    float              level_pull  = 0;     ///< lambda_Q in `pull`
    int64_t            refresh     = 10;    ///< steps between refreshes of the target's gradient
    float              ramp_share  = 0.6f;  ///< of the epochs, over which the coefficient rises from 0
    float frozen_share = 0.4f;  ///< of the epochs, at the end: zeros stay, nothing more is pruned, the entropy rests
    float step_rate    = 0.3f;  ///< rate of the learned steps, as a share of them, relative to the weights'
    float distillation = 0;     ///< share of the loss that follows the float network's outputs
    float temperature  = 2;     ///< of the distillation

    bool prunes() const { return prune > 0 || prune_tolerance > 0; }
    bool regularizes() const { return method != Method::plain; }
};

inline constexpr const char* recipe_names[] = {"float", "cifar", "imagenet", "hemp", "paper"};

/// "float": SGD without regularizer. "cifar", "imagenet": for small and for larger photographs, likewise. "hemp": this
/// project's best. "paper": the settings of HEMP's authors. `model` names what is trained: a rate may depend on it.
/// Throws UsageError that lists the names.
Recipe recipe(const std::string& name, const std::string& model);

}  // namespace hemp
