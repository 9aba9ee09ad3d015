#include "cli/recipe.h"

namespace hemp {

Recipe recipe(const std::string& name, const std::string& model) {
    if (name == "float") {
        return {.name = name, .epochs = 20, .rate = 0.05f, .weight_decay = 5e-4f, .augmentation = {.crop = 1}};
    }
    if (name == "cifar") {
        // Padding, mirror images, momentum and rate as in He et al. 2016; a cosine instead of its steps, and the larger
        // decay that is usual with it. VGG-16, whose layers have no way around them, learned nothing at 0.1
        // (docs/results.md).
        return {.name         = name,
                .epochs       = 60,
                .batch        = 128,
                .rate         = model.starts_with("vgg") ? 0.02f : 0.1f,
                .nesterov     = true,
                .weight_decay = 5e-4f,
                .schedule     = Schedule::Kind::cosine,
                .augmentation = {.crop = 4, .flip = true}};
    }
    if (name == "imagenet") {
        // For photographs of 224 pixels: the rate of 0.1 that is usual for batches of 256, in proportion.
        return {.name         = name,
                .epochs       = 30,
                .batch        = 32,
                .rate         = 0.0125f,
                .nesterov     = true,
                .weight_decay = 1e-4f,
                .schedule     = Schedule::Kind::cosine,
                .augmentation = {.resized_crop = 0.08, .flip = true},
                .smoothing    = 0.1f};
    }
    if (name == "hemp") {
        // Straight-through forward pass and the entropy inside Adam: the weights stay free to move, where a pull by a
        // fixed rate freezes them in their first bins (docs/hemp.md).
        return {.name         = name,
                .epochs       = 50,
                .optimizer    = Recipe::Optimizer::adam,
                .rate         = 1e-3f,
                .schedule     = Schedule::Kind::cosine,
                .augmentation = {.crop = 1},
                .method       = Recipe::Method::straight_through,
                .regularizer  = {.target = Target::coder, .levels = 7, .rule = LevelRule::mid_tread, .deviations = 2},
                .entropy      = 1.0f,
                .refresh      = 50,
                .distillation = 0.5f};
    }
    if (name == "paper") {
        // The defaults of the authors' program (which runs 1,000 epochs): SGD at a constant rate without momentum,
        // Lloyd-Max on a fitted Gaussian, refresh every 10 steps.
        return {.name         = name,
                .epochs       = 50,
                .rate         = 0.1f,
                .momentum     = 0,
                .weight_decay = 1e-4f,
                .schedule     = Schedule::Kind::constant,
                .method       = Recipe::Method::pull,
                .regularizer  = {.levels  = 4,
                                 .rule    = LevelRule::lloyd_max_gaussian,
                                 .entropy = {.order = 3, .pooling = Pooling::shared}},
                .entropy      = 1.0f,
                .level_pull   = 0.1f,
                .ramp_share   = 0,
                .frozen_share = 0};
    }
    fail<UsageError>("recipe '{}' is not known; choose float, cifar, imagenet, hemp or paper", name);
}

}  // namespace hemp
