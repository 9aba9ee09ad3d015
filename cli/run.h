#pragma once
// A training run, in its folder (cli/run_folder.h).

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

}  // namespace hemp
