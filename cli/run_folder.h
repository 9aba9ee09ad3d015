#pragma once
// What lies in the folder of a run: last.ckpt (the state to resume from), best.ckpt (the parameters of the best epoch),
// round.ckpt (what each round of a search starts from), model.hemp (where the recipe regularizes),
// metrics.jsonl (a line an epoch), manifest.json (what it takes to repeat it), report.html (what `report` makes of it).

#include "cli/output.h"
#include "cli/run_options.h"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hemp {

inline constexpr const char* files_of_run[] = {
    "last.ckpt",           "last.ckpt.previous", "best.ckpt",     "best.ckpt.previous", "round.ckpt",
    "round.ckpt.previous", "model.hemp",         "metrics.jsonl", "manifest.json",      "report.html"};

/// Which of these, in the folder of a run, the path means, through links and where it is not there yet as well; empty:
/// none of them.
std::string_view name_in_run(const std::filesystem::path& path, const std::filesystem::path& folder);

/// Throws UsageError where the output would replace what a run in `folder` keeps, but for the file of it named `own`.
void check_outside_run(const std::filesystem::path& output, const std::filesystem::path& folder,
                       std::string_view own = {});

struct Manifest {
    std::string                        command;
    RunOptions                         options;
    std::string                        version;
    std::string                        kernel_family;
    std::map<std::string, std::string> outputs;  ///< hashes by file; empty: the run has not ended
    Json                               json;     ///< all of it
};

/// Throws Error if the file cannot be read, DataError if it is no manifest of a run.
Manifest read_manifest(const std::filesystem::path& path);

/// The lines of a run's metrics.jsonl, each with the number of an epoch and its seconds; none where there is no file.
///   throws    Error if it cannot be read, DataError that names a line which is something else
std::vector<Json> read_metrics(const std::filesystem::path& folder);

/// Hashes of the files that must come out the same when the run is repeated.
Json output_hashes(const std::filesystem::path& folder);

/// Throws UsageError where that cannot be a file, Error where none can be written; an empty path is none, and passes.
void check_output(const std::filesystem::path& output);

/// Throws as check_output, or UsageError where the output would take the place of the input or of anything but an
/// earlier file of its kind.
///   is_kind   of the first 16 MiB of a file that is there
void check_replaced(const std::filesystem::path& output, const std::filesystem::path& input, std::string_view kind,
                    bool (*is_kind)(std::string_view start));

}  // namespace hemp
