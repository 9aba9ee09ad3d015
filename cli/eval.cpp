#include "cli/data.h"
#include "cli/evaluate.h"
#include "cli/input.h"
#include "cli/output.h"
#include "core/kernels/dispatch.h"
#include "core/run/team.h"
#include "core/version.h"

#include <fmt/core.h>

namespace hemp {
namespace {

struct EvalArguments {
    std::string input;
    std::string model;
    std::string data;
    DataOptions images;
    int64_t     batch = 0;  ///< 0: as many as the size of the images suggests
};

int eval(const EvalArguments& arguments, const Settings& settings) {
    Input   input   = read_input(arguments.input, arguments.model, settings.file_memory());
    Dataset dataset = load_for(input.model, arguments.data, Part::test, arguments.images, settings);
    check_fits(dataset, input.model, input.classes);
    int64_t    batch = arguments.batch > 0 ? arguments.batch : evaluation_batch(input.model);
    Evaluator  evaluator(input.model, batch, true, settings.program_memory());
    Evaluation result = evaluator.run(dataset, settings.loader_threads);
    double     speed  = static_cast<double>(result.images) / result.seconds;
    if (settings.json) {
        print_json({{"input", input.path.string()},
                    {"model", input.model.name},
                    {"accuracy", result.accuracy},
                    {"loss", result.loss},
                    {"images", result.images},
                    {"bytes", input.bytes},
                    {"seconds", result.seconds},
                    {"images_per_second", speed},
                    {"threads", default_threads()},
                    {"kernel_family", name_of(instruction_set())},
                    {"version", HEMP_VERSION}});
        return 0;
    }
    print_table(
        {{"file", input.path.string()},
         {"model", input.model.name},
         {"accuracy", fmt::format("{:.2f} % of {} test images of {}", result.accuracy, result.images, dataset.name)},
         {"loss", fmt::format("{:.5f}", result.loss)},
         {"file size", grouped(input.bytes) + " bytes"},
         {"speed", fmt::format("{:.0f} images/s", speed)}});
    return 0;
}

}  // namespace

Action add_eval(Command& command) {
    auto arguments = std::make_shared<EvalArguments>();
    command.option("FILE", arguments->input, "Run folder, checkpoint, .safetensors or .hemp file").required();
    command.option("--data", arguments->data, "Images: digits, or a folder").required();
    add_data_options(command, arguments->images);
    command.option("--model", arguments->model, "Of a .safetensors file");
    command.option("--batch", arguments->batch, "Images a step; default: 128, fewer large ones").between(1, 1 << 20);
    return [arguments](const Settings& settings) { return eval(*arguments, settings); };
}

}  // namespace hemp
