#pragma once
// What `train` and `compress` are asked for: from the command line, and from the manifest of a run that is repeated.

#include "cli/command.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/recipe.h"

#include <string>

namespace hemp {

/// Everything that the result of a run depends on. Zero and empty mean: as the recipe has it.
struct RunOptions {
    std::string model           = {};
    std::string input           = {};  ///< a file with trained weights to start from; empty: fresh weights
    std::string data            = {};
    std::string val             = {};
    DataOptions images          = {};
    std::string recipe          = {};
    bool        holdout         = true;
    int64_t     epochs          = 0;
    int64_t     batch           = 0;
    double      rate            = 0;
    double      weight_decay    = -1;  ///< negative: the recipe's
    std::string augment         = {};  ///< as augmentation() reads it
    double      smoothing       = -1;  ///< of the labels; negative: the recipe's
    double      mixup           = -1;  ///< negative: the recipe's
    double      distillation    = -1;  ///< share of the loss that follows the input's outputs; negative: the recipe's
    std::string quantizer       = {};  ///< a name of level_rules
    int         levels          = 0;
    double      level_step      = 0;  ///< as --level-step says; 0: the recipe's
    int         order           = 0;
    double      entropy         = -1;  ///< the coefficient; negative: the recipe's
    double      clip_norm       = 0;
    double      prune           = 0;  ///< share of zeros
    double      prune_tolerance = 0;  ///< relative rise of the held-out loss
    uint64_t    seed            = 1;
    double      target_accuracy = -1;  ///< percent; the smallest file of at least that
    double      max_drop        = -1;  ///< points below the accuracy of `input`
    uint64_t    target_bytes    = 0;   ///< the most accurate file of at most that
    int64_t     rounds          = 6;   ///< at most, of the search for a target; 1: the recipe's coefficient alone

    bool has_least_accuracy() const { return target_accuracy >= 0 || max_drop >= 0; }
    bool has_target() const { return has_least_accuracy() || target_bytes > 0; }
};

Json       to_json(const RunOptions& options);
RunOptions run_options(const Json& stored);

/// The flag that changes an option, by its name in to_json; the model and the input are named without one.
std::string flag_of(const std::string& key);

/// Adds the options that `train` and `compress` share.
void add_run_options(Command& command, RunOptions& options);

/// Throws UsageError where options contradict each other.
void check(const RunOptions& options);

/// The recipe that is named, with the fields that options change. `model` is the name of what is trained.
Recipe recipe_of(const RunOptions& options, const std::string& model);

}  // namespace hemp
