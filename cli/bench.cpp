#include "cli/command.h"
#include "cli/input.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/step.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

namespace hemp {
namespace {

struct BenchArguments {
    std::vector<std::string> models;
    std::string              mode  = "train";
    int64_t                  batch = 0;  ///< 0: the usual one
};

const std::vector<std::string> usual_models{"lenet300",          "lenet5",   "resnet32", "vgg16-cifar",
                                            "mobilenetv2-cifar", "resnet18", "resnet50", "mobilenetv2"};

struct Measurement {
    int64_t batch   = 0;
    double  seconds = 0;  ///< median of a step
    size_t  memory  = 0;  ///< peak of the process
    int     threads = 0;
};

Measurement measure(const std::string& name, const StepOptions& options, size_t file_memory) {
    using Clock = std::chrono::steady_clock;
    Model model = named_model(name, file_memory);
    reset_peak_memory();
    Step step(model, options);
    for (int i = 0; i < 3; ++i) {
        step.run();
    }
    // At least 20 steps, more of quick ones for a steady median.
    std::vector<double> seconds;
    double              total = 0;
    while (seconds.size() < 20 || (total < 0.5 && seconds.size() < 1000)) {
        auto start = Clock::now();
        step.run();
        seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
        total += seconds.back();
    }
    auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::ranges::nth_element(seconds, middle);
    return {step.batch(), *middle, peak_memory(), step.program().threads()};
}

int bench(const BenchArguments& arguments, const Settings& settings) {
    Json results = Json::array();
    Rows rows{{"model", "mode", "batch", "threads", "ms a step", "images/s", "peak MiB"}};
    for (const std::string& name : arguments.models.empty() ? usual_models : arguments.models) {
        Measurement each   = measure(name, {arguments.mode == "train", arguments.batch, settings.program_memory()},
                                     settings.file_memory());
        double      images = static_cast<double>(each.batch) / each.seconds;
        double      mib    = static_cast<double>(each.memory) / (1 << 20);
        results.push_back({{"model", name},
                           {"mode", arguments.mode},
                           {"batch", each.batch},
                           {"threads", each.threads},
                           {"ms_per_step", each.seconds * 1e3},
                           {"images_per_second", images},
                           {"peak_rss_mib", mib}});
        rows.push_back({name, arguments.mode, fmt::format("{}", each.batch), fmt::format("{}", each.threads),
                        fmt::format("{:.3f}", each.seconds * 1e3), fmt::format("{:.0f}", images),
                        fmt::format("{:.1f}", mib)});
    }
    if (settings.json) {
        print_json(results);
    } else {
        print_table(rows);
    }
    return 0;
}

}  // namespace

Action add_bench(Command& command) {
    auto arguments = std::make_shared<BenchArguments>();
    command.option("MODEL", arguments->models,
                   "Names of models, .json files, or trained ones; default: eight well-known ones");
    command.option("--mode", arguments->mode, "Training or inference").one_of({"train", "infer"}).shows_default();
    command.option("--batch", arguments->batch, "Images a step; default: 100, 128 or 16, by the size of the images")
        .between(1, 1 << 20);
    return [arguments](const Settings& settings) { return bench(*arguments, settings); };
}

}  // namespace hemp
