#include "cli/contents.h"
#include "cli/evaluate.h"
#include "cli/input.h"
#include "cli/run.h"
#include "cli/run_folder.h"
#include "core/join.h"
#include "core/run/team.h"
#include "core/version.h"
#include "hemp/arrange.h"
#include "hemp/package.h"
#include "hemp/quantizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <set>

namespace fs = std::filesystem;

namespace hemp {
namespace {

struct CompressArguments {
    RunOptions               options;
    RunPlace                 place;
    bool                     keep_order = false;  ///< without data: hidden units stand where they stood
    bool                     has_rounds = false;  ///< --rounds is given
    std::vector<std::string> about_training;      ///< options given that have no meaning without data
};

/// The different values of a tensor, at most one more than a codebook can hold.
std::set<float> distinct_values(const Array& array) {
    std::set<float> values;
    for (float value : array.values<float>()) {
        values.insert(value == 0 ? 0.0f : value);
        if (values.size() > most_levels) {
            break;
        }
    }
    return values;
}

struct Quantized {
    HempFile file;
    float    step    = 0;  ///< of weights that lose something; 0 where there are none, or have fitted levels
    int      exact   = 0;  ///< tensors that are not rounded
    int      tensors = 0;
};

constexpr double usual_level_step = 0.5;

/// Without data: tensors that hold few different values already keep them, but for weights where `level_step`
/// is told, or fewer `levels`. Other weights are rounded to multiples of a step, `level_step` root mean squares of all
/// weights, or to so many levels as Lloyd's method fits; other tensors finely.
///   kept      what a .hemp file has for the model: all but the weights stays as it is
Quantized quantize_as_it_is(const Model& model, int levels, double level_step, const std::optional<HempFile>& kept) {
    Quantized result;
    for (const Parameter& each : model.parameters()) {  // before a step is made of them
        check_values(each, value_of(each.variable), "compress");
    }
    double all  = root_mean_square_of_weights(model);
    double step = (level_step > 0 ? level_step : usual_level_step) * all;
    if (levels > 0 || all == 0) {
        result.file = package(model, nullptr);
    } else if (step < std::numeric_limits<float>::denorm_min() || step > std::numeric_limits<float>::max() / 2) {
        fail<UsageError>(
            "compress: weights of {:.3g} on average cannot be rounded to multiples of {:.3g}; choose --level-step "
            "nearer to {}",
            all, step, usual_level_step);
    } else {
        result.file = package_uniform(model, short_step(static_cast<float>(step)));
    }
    const std::vector<Array> held = file_values(model);
    for (size_t i = 0; i < model.parameters().size(); ++i) {
        const Parameter& each   = model.parameters()[i];
        std::set<float>  values = distinct_values(held[i]);
        bool             few    = values.size() <= most_levels;
        // A codebook costs four bytes a level: it must be much smaller than the tensor.
        bool exact  = few && 4 * static_cast<int64_t>(values.size()) <= each.variable.shape().size();
        bool weight = each.role == Role::weight;
        ++result.tensors;
        if (kept && !weight) {
            result.file.tensors[i] = kept->tensors[i];
            ++result.exact;
        } else if (exact && !(weight && (level_step > 0 || (levels > 0 && std::ssize(values) > levels)))) {
            result.file.tensors[i] = with_levels(each, held[i], {values.begin(), values.end()});
            ++result.exact;
        } else if (weight && levels == 0) {
            result.step = result.file.tensors[i].step;
        } else if (weight) {
            Quantizer fitted       = lloyd_max(held[i].values<float>(), levels, {.zero = true});
            result.file.tensors[i] = with_levels(each, held[i], fitted.levels);
        }
    }
    return result;
}

void print(const Json& s, const fs::path& output, const Settings& settings) {
    if (settings.json) {
        print_json(s);
        return;
    }
    uint64_t bytes   = s["bytes"];
    uint64_t weights = s["weights"];
    Rows     rows{{"file", output.string()}, {"model", s["model"]}, {"size", grouped(bytes) + " bytes"}};
    for (const auto& [name, size] : s["parts"].items()) {
        rows.push_back({fmt::format("  {}", name), grouped(size)});
    }
    rows.push_back({"float32", fmt::format("{} bytes, {:.1f} times as many", grouped(4 * weights),
                                           4.0 * static_cast<double>(weights) / static_cast<double>(bytes))});
    rows.push_back({"bits a weight", fmt::format("{:.3f}", s["bits_per_weight"].get<double>())});
    auto beside_input = [&](const char* key, const char* of_input) {
        double accuracy = s[key], before = s[of_input];
        return fmt::format("{:.2f} %; the input {:.2f} %, {:+.2f} points", accuracy, before, accuracy - before);
    };
    if (s.contains("val_accuracy")) {
        std::string wanted =
            s.contains("least_accuracy") ? fmt::format("; wanted {:.2f} %", s["least_accuracy"].get<double>()) : "";
        rows.push_back({"held out", beside_input("val_accuracy", "input_val_accuracy") + wanted});
    }
    if (s.contains("target_bytes")) {
        rows.push_back({"wanted", fmt::format("at most {} bytes", grouped(s["target_bytes"].get<uint64_t>()))});
    }
    if (s.contains("accuracy")) {
        rows.push_back({"test part", beside_input("accuracy", "input_accuracy") + ", from the decoded file"});
    }
    if (s.contains("step")) {
        rows.push_back(
            {"step", fmt::format("{:.6g}; weights that lose something are multiples of it", s["step"].get<double>())});
    }
    if (s.contains("exact_tensors")) {
        rows.push_back({"exact", fmt::format("{} of {} tensors are not rounded", s["exact_tensors"].get<int>(),
                                             s["tensors"].get<int>())});
    }
    print_table(rows);
    print_contents(s["contents"]);
}

/// Of the file that was written.
Json contents_of_file(const fs::path& path, const Settings& settings) {
    Bytes bytes = read_file(path, settings.program_memory());
    return contents_of(decode(bytes, path.string(), model_spec, {.max_memory = settings.program_memory()}),
                       summarize(bytes, path.string(), model_spec));
}

fs::path default_output(const fs::path& input) {
    fs::path path = fs::absolute(input).lexically_normal();
    if (!path.has_filename()) {
        path = path.parent_path();
    }
    fs::path name = fs::is_directory(path) ? path.filename() : path.stem();
    return name.string() + ".hemp";
}

bool is_hemp_file(const fs::path& path) {
    std::string start(4, '\0');
    std::ifstream(path, std::ios::binary).read(start.data(), 4);
    return is_hemp(start);
}

/// What the input holds, where it is a .hemp file.
std::optional<HempFile> held_by(const Input& input, const Settings& settings) {
    if (!is_hemp_file(input.path)) {
        return {};
    }
    Bytes    bytes = read_file(input.path, settings.file_memory());
    HempFile file  = decode(bytes, input.path.string(), model_spec, {.max_memory = settings.file_memory()});
    file.model     = input.model.source;
    return in_order_of(input.model, std::move(file), input.path.string());
}

/// Arranging takes as long as coding, which for larger networks is too long.
constexpr int64_t most_arranged = int64_t{1} << 24;  // parameters

int compress_alone(const CompressArguments& arguments, const Settings& settings) {
    const RunOptions& options = arguments.options;
    Input             input   = read_input(options.input, options.model, settings.file_memory());
    const fs::path&   output  = arguments.place.output;
    check_replaced(output, input.path, ".hemp file", is_hemp);
    if (fs::is_directory(options.input)) {
        check_outside_run(output, options.input);
    }
    std::optional<HempFile> held = held_by(input, settings);
    bool                    anew = held && options.levels == 0 && options.level_step == 0;
    if (!settings.quiet) {
        tell(fmt::format("{}: {} parameters, {} without data\n", input.model.name,
                         grouped(static_cast<uint64_t>(parameter_count(input.model))),
                         anew ? "coded anew" : "rounded and coded"));
    }
    Quantized quantized;
    if (anew) {
        quantized.exact = quantized.tensors = static_cast<int>(held->tensors.size());
        quantized.file                      = std::move(*held);
    } else {
        quantized = quantize_as_it_is(input.model, options.levels, options.level_step, held);
    }
    quantized.file.classes            = input.classes;
    bool                     arranges = !arguments.keep_order && parameter_count(input.model) <= most_arranged;
    std::vector<HiddenUnits> units;
    if (arranges) {
        units = hidden_units(input.model, settings.program_memory());
    }
    Bytes bytes = arranges ? encode_smaller(quantized.file, units, model_spec) : encode(quantized.file, model_spec);
    write_file_atomically(output, bytes);
    FileSummary parts = summarize(bytes, output.string(), model_spec);
    Json        summary{{"file", output.string()}, {"model", input.model.name}, {"bytes", bytes.size()}};
    for (const auto& [name, size] : parts.parts) {
        summary["parts"][name] = size;
    }
    summary["weights"]         = parts.weights;
    summary["bits_per_weight"] = 8.0 * static_cast<double>(bytes.size()) / static_cast<double>(parts.weights);
    if (quantized.step > 0) {
        summary["step"] = quantized.step;
    }
    summary["exact_tensors"] = quantized.exact;
    summary["tensors"]       = quantized.tensors;
    summary["version"]       = HEMP_VERSION;
    summary["contents"]      = contents_of(quantized.file, parts);
    print(summary, output, settings);
    return 0;
}

int compress(CompressArguments arguments, const Settings& settings) {
    RunOptions& options = arguments.options;
    options.model       = model_source(options.model);
    if (arguments.place.output.empty()) {
        arguments.place.output = default_output(options.input);
    }
    if (options.data.empty()) {
        if (options.levels > 0 && options.level_step > 0) {
            fail<UsageError>(
                "compress: without --data weights are rounded either to so many --levels or by one --level-step; drop "
                "one of them");
        }
        if (!arguments.about_training.empty()) {
            fail<UsageError>("compress: without --data nothing is trained or measured; add --data, or drop {}",
                             join(arguments.about_training));
        }
        return compress_alone(arguments, settings);
    }
    if (arguments.keep_order) {
        fail<UsageError>("--keep-order: is for compression without data; drop it, or --data");
    }
    if (arguments.place.folder.empty()) {
        arguments.place.folder = arguments.place.output.string() + ".run";
    }
    if (!recipe(options.recipe, "").regularizes()) {
        fail<UsageError>("--recipe: '{}' makes no network small; use hemp or paper, or `hemp train`", options.recipe);
    }
    options.input           = input_file(options.input).string();
    const fs::path manifest = arguments.place.folder / "manifest.json";
    if (arguments.place.resume && !arguments.has_rounds && fs::exists(manifest)) {
        const Json stored = read_json(manifest).value("arguments", Json::object());
        options.rounds    = stored.value("rounds", options.rounds);
    }
    check_replaced(arguments.place.output, options.input, ".hemp file", is_hemp);
    RunResult    result   = run_training(options, arguments.place, settings);
    const double accuracy = result.summary["accuracy"], before = result.summary["input_accuracy"];
    if (!settings.quiet && accuracy < before / 2 && accuracy < 2 * result.summary["chance"].get<double>()) {
        tell(
            "note: the network hardly does better than guessing now; use a smaller --entropy or --rate, or more "
            "--epochs\n");
    }
    result.summary["contents"] = contents_of_file(arguments.place.output, settings);
    print(result.summary, arguments.place.output, settings);
    if (!result.missed.empty()) {
        fail("compress: {}; {} is the nearest to the target: train longer, or ask for less", result.missed,
             arguments.place.output.string());
    }
    return 0;
}

}  // namespace

Action add_compress(Command& command) {
    auto        arguments = std::make_shared<CompressArguments>();
    RunOptions& options   = arguments->options;
    options.recipe        = "hemp";
    command
        .option(
            "INPUT", options.input,
            "Checkpoint, run folder, .safetensors file with --model, or .hemp file, which is not rounded without data")
        .required();
    command.option("--model", options.model, "Of a .safetensors file: a name, or a .json file that describes it");
    add_run_options(command, options);
    command.option("--target-accuracy", options.target_accuracy, "Percent; the smallest file of at least that")
        .between(0.0, 100.0);
    command.option("--max-drop", options.max_drop, "Points; the smallest file that loses at most that")
        .between(0.0, 100.0);
    command.option("--target-bytes", options.target_bytes, "The most accurate file of at most that").positive();
    command
        .option("--rounds", options.rounds,
                "Of the search for a target, at most: each a run with another coefficient; --resume with more goes on; "
                "1: no search")
        .shows_default()
        .between(1, 100);
    command.option("--keep-order", arguments->keep_order,
                   "Without data: hidden units stay in their order; else similar ones stand side by side, which takes "
                   "fewer bytes and computes the same");
    command.option("-o,--output", arguments->place.output, "The .hemp file; default: INPUT's name with .hemp");
    command.option("--out", arguments->place.folder, "Folder of the run; default: the file's name with .run");
    command.option("--resume", arguments->place.resume, "Go on with the interrupted run in the folder");
    command.option("--force", arguments->place.force, "Replace the run in the folder");
    return [arguments, command](const Settings& settings) {
        const std::set<std::string> always{"INPUT", "--model", "--levels", "--level-step", "--keep-order", "--output"};
        for (const std::string& name : command.given()) {
            if (!always.contains(name)) {
                arguments->about_training.push_back(name);
            }
        }
        arguments->has_rounds = std::ranges::count(command.given(), "--rounds") > 0;
        if (!arguments->options.has_target() && arguments->has_rounds) {
            fail<UsageError>(
                "--rounds: are those of the search for a target; add --max-drop, --target-accuracy or "
                "--target-bytes, or drop it");
        }
        return compress(*arguments, settings);
    };
}

}  // namespace hemp
