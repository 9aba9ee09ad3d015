#pragma once
// A training run in its folder: last.ckpt (the state to resume from), best.ckpt (the parameters of the best epoch),
// model.hemp (where the recipe regularizes), metrics.jsonl (a line an epoch), manifest.json (what it takes to repeat
// it).

#include "cli/command.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/recipe.h"

#include <filesystem>
#include <string>
#include <vector>

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

/// Adds the options that `train` and `compress` share.
void add_run_options(Command& command, RunOptions& options);

/// Throws UsageError where options contradict each other.
void check(const RunOptions& options);

/// Where a run writes, and what it does with what is there.
struct RunPlace {
    std::filesystem::path folder = {};
    std::filesystem::path output = {};  ///< a second copy of the best .hemp file; empty: none
    bool                  resume = false;
    bool                  force  = false;  ///< replace what an earlier run left
    bool                  kept   = true;   ///< the command can go on with it: it has --resume
};

struct RunResult {
    Json                  summary;  ///< with the keys of docs: accuracy, loss, bytes, parts, ...
    std::filesystem::path hemp;     ///< empty without a regularizer
    std::string           missed;   ///< the target that no epoch reached, in words; else empty
};

/// Runs, or goes on with, a training run to its end.
///   throws    Interrupted after SIGINT or SIGTERM, when the state is saved; UsageError, DataError, Error as what it
///             calls
RunResult run_training(const RunOptions& options, const RunPlace& place, const Settings& settings);

/// The lines of a run's metrics.jsonl, each with the number of an epoch and its seconds; none where there is no file.
///   throws    DataError that names a line which is something else
std::vector<Json> read_metrics(const std::filesystem::path& folder);

/// Hashes of the files that must come out the same when the run is repeated.
Json output_hashes(const std::filesystem::path& folder);

}  // namespace hemp
