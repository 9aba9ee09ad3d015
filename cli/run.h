#pragma once
// A training run in its folder: last.ckpt (the state to resume from), best.ckpt (the parameters of the best epoch),
// model.hemp (where the recipe regularizes), metrics.jsonl (a line an epoch), manifest.json (what it takes to repeat
// it).

#include "cli/command.h"
#include "cli/output.h"
#include "cli/run_options.h"

#include <filesystem>
#include <string>
#include <vector>

namespace hemp {

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
