#include "cli/evaluate.h"
#include "cli/input.h"
#include "cli/run.h"
#include "core/kernels/dispatch.h"
#include "core/run/team.h"
#include "core/version.h"

#include <fmt/core.h>

namespace fs = std::filesystem;

namespace hemp {
namespace {

struct DemoArguments {
    RunPlace place;
    uint64_t seed = 1;
};

/// Trains in floats, then fine-tunes with the regularizer: the two runs lie in the demo's folder.
int demo(const DemoArguments& arguments, const Settings& settings) {
    const fs::path& folder = arguments.place.folder;
    RunOptions floats{.model = "lenet300", .data = "digits", .recipe = "float", .epochs = 6, .seed = arguments.seed};
    RunPlace   place{.folder = folder / "float", .force = true, .kept = false};
    RunResult  before = run_training(floats, place, settings);

    RunOptions small{.model   = "lenet300",
                     .input   = (place.folder / "best.ckpt").string(),
                     .data    = "digits",
                     .recipe  = "hemp",
                     .epochs  = 12,
                     .entropy = 3,
                     .seed    = arguments.seed};
    fs::path   output = folder / "demo.hemp";
    RunResult  after =
        run_training(small, {.folder = folder / "hemp", .output = output, .force = true, .kept = false}, settings);

    // The file as anyone else would read it.
    Input      decoded    = read_input(output, "", settings.file_memory());
    Evaluation evaluation = Evaluator(decoded.model).run(load_dataset("digits", Part::test));
    uint64_t   weights    = after.summary["weights"];
    uint64_t   bytes      = decoded.bytes;
    double     ratio      = 4.0 * static_cast<double>(weights) / static_cast<double>(bytes);
    if (settings.json) {
        print_json({{"file", output.string()},
                    {"model", "lenet300"},
                    {"accuracy_before", before.summary["accuracy"]},
                    {"accuracy", evaluation.accuracy},
                    {"loss", evaluation.loss},
                    {"bytes", bytes},
                    {"parts", after.summary["parts"]},
                    {"weights", weights},
                    {"bits_per_weight", after.summary["bits_per_weight"]},
                    {"ratio", ratio},
                    {"seconds", before.summary["seconds"].get<double>() + after.summary["seconds"].get<double>()},
                    {"seed", arguments.seed},
                    {"threads", default_threads()},
                    {"kernel_family", name_of(instruction_set())},
                    {"version", HEMP_VERSION}});
        return 0;
    }
    fmt::print("LeNet-300-100 on 6,000 embedded digits, tested on 1,000 others\n\n");
    Rows rows{{"", "float32", "demo.hemp"},
              {"accuracy, %", fmt::format("{:.1f}", before.summary["accuracy"].get<double>()),
               fmt::format("{:.1f}", evaluation.accuracy)},
              {"bytes", grouped(4 * weights), grouped(bytes)}};
    for (const auto& [name, size] : after.summary["parts"].items()) {
        rows.push_back({fmt::format("  {}", name), "", grouped(size)});
    }
    rows.push_back({"bits a weight", "32", fmt::format("{:.3f}", after.summary["bits_per_weight"].get<double>())});
    rows.push_back({"times smaller", "1", fmt::format("{:.1f}", ratio)});
    print_table(rows);
    fmt::print("\nThe accuracy on the right is that of the decoded file, {}. Go on with:\n", output.string());
    fmt::print("  hemp list {}\n", output.string());
    fmt::print("  hemp eval {} --data digits\n", output.string());
    fmt::print("  hemp train lenet5 --data FOLDER --out run && hemp compress run --data FOLDER --max-drop 0.2\n");
    return 0;
}

}  // namespace

Action add_demo(Command& command) {
    auto arguments          = std::make_shared<DemoArguments>();
    arguments->place.folder = "demo";
    command.option("--out", arguments->place.folder, "Folder for the results, replaced").shows_default();
    command.option("--seed", arguments->seed, "Start of all random numbers").natural().shows_default();
    return [arguments](const Settings& settings) { return demo(*arguments, settings); };
}

}  // namespace hemp
