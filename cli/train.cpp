#include "cli/input.h"
#include "cli/run.h"

#include <fmt/core.h>

namespace hemp {
namespace {

struct TrainArguments {
    RunOptions options;
    RunPlace   place;
};

int train(TrainArguments arguments, const Settings& settings) {
    arguments.options.model = model_source(arguments.options.model);
    RunResult result        = run_training(arguments.options, arguments.place, settings);
    if (settings.json) {
        print_json(result.summary);
        return 0;
    }
    const Json& s = result.summary;
    fmt::print("{}: accuracy {:.2f} % on the test part, {} bytes ({}), {:.1f} s\n", s["model"].get<std::string>(),
               s["accuracy"].get<double>(), grouped(s["bytes"].get<uint64_t>()),
               result.hemp.empty() ? arguments.place.folder.string() : result.hemp.string(),
               s["seconds"].get<double>());
    return 0;
}

}  // namespace

Action add_train(Command& command) {
    auto arguments            = std::make_shared<TrainArguments>();
    arguments->options.recipe = "float";
    arguments->place.folder   = "run";
    command
        .option("MODEL", arguments->options.model,
                "Name of a model (NAME:N: with N classes), or a .json file that describes one")
        .required();
    add_run_options(command, arguments->options);
    command.option("--data").required();
    command.option("--out", arguments->place.folder, "Folder of the run").shows_default();
    command.option("--resume", arguments->place.resume, "Go on with the interrupted run in the folder");
    command.option("--force", arguments->place.force, "Replace the run in the folder");
    return [arguments](const Settings& settings) { return train(*arguments, settings); };
}

}  // namespace hemp
