#include "cli/interrupt.h"
#include "cli/run.h"
#include "cli/run_folder.h"
#include "core/file/hash.h"
#include "core/kernels/dispatch.h"
#include "core/run/team.h"

#include <fmt/core.h>

#include <cstdlib>
#include <optional>

namespace fs = std::filesystem;

namespace hemp {
namespace {

/// A new folder that goes when the work is done, fails, or is ended by a second signal.
class TemporaryFolder {
 public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "hemp-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            fail("{}: no folder can be made there; set TMPDIR to one where you may write", name);
        }
        path = name;
        last_act_.emplace([this] { remove(); });
    }
    TemporaryFolder(const TemporaryFolder&)            = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        last_act_.reset();
        remove();
    }

    fs::path path;

 private:
    /// Once more where the run, still at work, has put a new file into the folder meanwhile.
    void remove() const {
        std::error_code error;
        for (int tries = 0; tries < 100 && fs::exists(path, error); ++tries) {
            fs::remove_all(path, error);
        }
    }

    std::optional<LastAct> last_act_;
};

/// Kernels that round otherwise than the recorded ones could only show a difference.
void use_recorded_kernels(const std::string& family, const Settings& settings) {
    for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
        if (name_of(set) == family && set != instruction_set() && supported(set)) {
            use_instruction_set(set);
            if (!settings.quiet) {
                tell(fmt::format("replay: {} kernels, as recorded\n", family));
            }
        }
    }
}

int replay(const std::string& path, const Settings& settings) {
    const Manifest manifest = read_manifest(path);
    if (manifest.outputs.empty()) {
        fail<UsageError>("{}: the run has not ended, there is nothing to compare; add --resume to its command", path);
    }
    const Json& recorded = manifest.json["outputs"];
    use_recorded_kernels(manifest.kernel_family, settings);
    TemporaryFolder folder;
    run_training(manifest.options, {.folder = folder.path, .output = {}, .force = true, .kept = false}, settings);
    Json now   = read_json(folder.path / "manifest.json");
    bool equal = now["outputs"] == recorded;
    for (const char* key : {"data_hash", "input_hash", "binary_hash", "kernel_family"}) {
        if (manifest.json.contains(key) && now[key] != manifest.json[key] && !settings.quiet) {
            tell(fmt::format("{} differs: {} then, {} now\n", key, text_of(manifest.json[key]), text_of(now[key])));
        }
    }
    if (settings.json) {
        print_json({{"equal", equal}, {"recorded", recorded}, {"replayed", now["outputs"]}});
        return equal ? 0 : 1;
    }
    Rows rows{{"file", "recorded", "replayed", ""}};
    for (const auto& [name, hash] : manifest.outputs) {
        std::string again = now["outputs"].value(name, "missing");
        rows.push_back({name, hash, again, hash == again ? "same" : "DIFFERENT"});
    }
    print_table(rows);
    return equal ? 0 : 1;
}

}  // namespace

Action add_replay(Command& command) {
    auto path = std::make_shared<std::string>();
    command.option("MANIFEST", *path, "manifest.json of a run").required();
    return [path](const Settings& settings) { return replay(*path, settings); };
}

}  // namespace hemp
