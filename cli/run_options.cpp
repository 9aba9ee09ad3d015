#include "cli/run_options.h"

#include "core/error.h"

#include <fmt/core.h>

#include <cmath>

namespace fs = std::filesystem;

namespace hemp {
namespace {

/// The format is text for programs; a name that only differs in spelling must not look like another data set.
std::string absolute(const std::string& source) {
    return source.empty() || source == "digits" ? source : fs::absolute(source).lexically_normal().string();
}

/// How levels come from weights, for a person to choose.
const std::vector<std::pair<std::string, LevelRule>> level_rules{{"uniform", LevelRule::mid_tread},
                                                                 {"lloyd-max", LevelRule::lloyd_max},
                                                                 {"ternary", LevelRule::ternary},
                                                                 {"power-of-two", LevelRule::power_of_two}};

std::vector<std::string> names_of_level_rules() {
    std::vector<std::string> names;
    for (const auto& [name, rule] : level_rules) {
        names.push_back(name);
    }
    return names;
}

/// Their defaults, as far as flags change them.
std::string help_of_recipes(bool with_float) {
    std::string text = fmt::format("\nDefaults of the recipes:\n  {:10}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}\n", "", "epochs",
                                   "batch", "rate", "levels", "order", "entropy");
    for (const char* name : recipe_names) {
        Recipe r = recipe(name, "");
        if (!r.regularizes() && !with_float) {
            continue;
        }
        text += fmt::format("  {:10}{:>8}{:>8}{:>8}", name, r.epochs, r.batch, r.rate);
        text += !r.regularizes()
                    ? fmt::format("{:>8}{:>8}{:>9}\n", "-", "-", "-")
                    : fmt::format(
                          "{:>8}{:>8}{:>9}\n", r.regularizer.levels,
                          r.regularizer.target == Target::coder ? "coder" : std::to_string(r.regularizer.entropy.order),
                          r.entropy);
    }
    return text;
}

}  // namespace

Json to_json(const RunOptions& o) {
    return {{"model", o.model},
            {"input", absolute(o.input)},
            {"data", absolute(o.data)},
            {"val", absolute(o.val)},
            {"format", o.images.format},
            {"skip_bad_images", o.images.skip_bad_images},
            {"recipe", o.recipe},
            {"holdout", o.holdout},
            {"epochs", o.epochs},
            {"batch", o.batch},
            {"rate", o.rate},
            {"weight_decay", o.weight_decay},
            {"augment", o.augment},
            {"label_smoothing", o.smoothing},
            {"mixup", o.mixup},
            {"distillation", o.distillation},
            {"quantizer", o.quantizer},
            {"levels", o.levels},
            {"level_step", o.level_step},
            {"order", o.order},
            {"entropy", o.entropy},
            {"clip_norm", o.clip_norm},
            {"prune", o.prune},
            {"prune_tolerance", o.prune_tolerance},
            {"seed", o.seed},
            {"target_accuracy", o.target_accuracy},
            {"max_drop", o.max_drop},
            {"target_bytes", o.target_bytes},
            {"rounds", o.rounds}};
}

RunOptions run_options(const Json& stored) {
    // Options that were not there yet when the run began were as they are by default, as for --resume.
    Json json = to_json(RunOptions{});
    json.update(stored);
    return {.model           = stored.at("model"),
            .input           = json.at("input"),
            .data            = json.at("data"),
            .val             = json.at("val"),
            .images          = {json.at("format"), json.at("skip_bad_images")},
            .recipe          = json.at("recipe"),
            .holdout         = json.at("holdout"),
            .epochs          = json.at("epochs"),
            .batch           = json.at("batch"),
            .rate            = json.at("rate"),
            .weight_decay    = json.at("weight_decay"),
            .augment         = json.at("augment"),
            .smoothing       = json.at("label_smoothing"),
            .mixup           = json.at("mixup"),
            .distillation    = json.at("distillation"),
            .quantizer       = json.at("quantizer"),
            .levels          = json.at("levels"),
            .level_step      = json.at("level_step"),
            .order           = json.at("order"),
            .entropy         = json.at("entropy"),
            .clip_norm       = json.at("clip_norm"),
            .prune           = json.at("prune"),
            .prune_tolerance = json.at("prune_tolerance"),
            .seed            = json.at("seed"),
            .target_accuracy = json.at("target_accuracy"),
            .max_drop        = json.at("max_drop"),
            .target_bytes    = json.at("target_bytes"),
            .rounds          = json.at("rounds")};
}

std::string flag_of(const std::string& key) {
    static const Json defaults = to_json(RunOptions{});
    bool              named    = key == "model" || key == "input";
    bool              off      = defaults[key].is_boolean() && defaults[key].get<bool>();
    std::string       flag     = (named ? "" : off ? "--no-" : "--") + key;
    std::ranges::replace(flag, '_', '-');
    return flag;
}

void add_run_options(Command& command, RunOptions& options) {
    command.option("--data", options.data, "Images: digits, or a folder (MNIST's or CIFAR's files, or images)");
    command.option("--val", options.val, "Images to choose the best state by; default: a twelfth of the training part");
    command.option("!--no-holdout", options.holdout, "Train on all of the training part, keep the last state only");
    add_data_options(command, options.images);
    bool with_float = !recipe(options.recipe, "").regularizes();
    command.option("--recipe", options.recipe, with_float ? "float, cifar, imagenet, hemp or paper" : "hemp or paper")
        .shows_default();
    command.option("--epochs", options.epochs, "Passes over the training part").between(1, 1000000);
    command.option("--batch", options.batch, "Images a step").between(1, 1 << 20);
    command.option("--rate", options.rate, "Highest learning rate").positive();
    command.option("--weight-decay", options.weight_decay, "A step; default: the recipe's").not_negative();
    command.option("--augment", options.augment,
                   "crop, resized-crop, flip, jitter, cutout, erase, each with =VALUE or not; none; default: the "
                   "recipe's");
    command.option("--label-smoothing", options.smoothing, "Share of the target that is spread over all classes")
        .between(0.0, 0.99);
    command.option("--mixup", options.mixup, "Alpha of the share that mixed images keep; 0: none are mixed")
        .between(0.0, 1.0);
    command
        .option(
            "--quantizer", options.quantizer,
            "How levels come from weights, at first: equally spaced, as Lloyd and Max place them, -s 0 s, powers of "
            "two; default: the recipe's (hemp uniform)")
        .one_of(names_of_level_rules());
    command.option("--levels", options.levels, "Levels of each tensor; default: the recipe's (hemp 7, paper 4)")
        .between(2, 256);
    command
        .option(
            "--level-step", options.level_step,
            "Distance of a tensor's levels at first, in standard deviations of its weights; recipe hemp: 2. Without "
            "data: of all weights' levels, in root mean squares of all weights; 0.5")
        .positive();
    command
        .option("--order", options.order, "Minimise the entropy of this order, not what the coder takes (recipe hemp)")
        .between(1, 8);
    command.option("--entropy", options.entropy, "Coefficient of the entropy").not_negative();
    command
        .option("--distillation", options.distillation,
                "Share of the loss that follows the outputs of the trained network; default: the recipe's (hemp 0.5)")
        .between(0.0, 1.0);
    command.option("--clip-norm", options.clip_norm, "Scale gradients down to this norm of all of them together")
        .positive();
    command.option("--prune", options.prune, "Share of each tensor of weights that becomes zero, the smallest first")
        .between(0.0, 0.9999);
    command
        .option("--prune-tolerance", options.prune_tolerance,
                "Prune what the loss does not need, while the held-out loss rises by no more than this share an epoch")
        .positive();
    command.option("--seed", options.seed, "Start of all random numbers").natural().shows_default();
    command.footer(help_of_recipes(with_float));
}

void check(const RunOptions& options) {
    if (!options.holdout && !options.val.empty()) {
        fail<UsageError>("--val: contradicts --no-holdout, which chooses nothing; drop one of them");
    }
    if (!options.holdout && options.has_target()) {
        fail<UsageError>("--no-holdout: leaves no images to choose the file by; drop it, or the target");
    }
    for (auto [flag, value] : {std::pair{"--rate", options.rate},
                               {"--level-step", options.level_step},
                               {"--entropy", options.entropy},
                               {"--weight-decay", options.weight_decay},
                               {"--clip-norm", options.clip_norm},
                               {"--prune", options.prune},
                               {"--prune-tolerance", options.prune_tolerance}}) {
        if (!std::isfinite(static_cast<float>(value))) {
            fail<UsageError>("{}: {} is too large for a number of 32 bits; give another", flag, value);
        }
    }
    if (options.entropy == 0 && options.has_target() && options.rounds > 1) {
        fail<UsageError>(
            "--entropy 0: the search doubles and halves the coefficient, which stays 0; drop it, or the target");
    }
    if (options.prune > 0 && options.prune_tolerance > 0) {
        fail<UsageError>("--prune, --prune-tolerance: both say what becomes zero; choose one of them");
    }
    if (!options.holdout && options.prune_tolerance > 0) {
        fail<UsageError>("--no-holdout: leaves no images to find the tolerated loss; drop it, or --prune-tolerance");
    }
    const Json arguments = to_json(options);
    for (const auto& [key, value] : arguments.items()) {
        if (value.is_string() && !is_utf8(value.get<std::string>())) {
            fail<UsageError>("{}: '{}' is not UTF-8, as manifest.json, which holds it, must be; rename it", key,
                             value.get<std::string>());
        }
    }
    if ((options.target_accuracy >= 0) + (options.max_drop >= 0) + (options.target_bytes > 0) > 1) {
        fail<UsageError>("--target-accuracy, --max-drop, --target-bytes: more than one is given; choose one of them");
    }
    augmentation(options.augment);
    if (!recipe(options.recipe, "").regularizes() &&
        (!options.quantizer.empty() || options.levels > 0 || options.level_step > 0 || options.order > 0 ||
         options.entropy >= 0 || options.distillation >= 0)) {
        fail<UsageError>(
            "--quantizer, --levels, --level-step, --order, --entropy, --distillation: recipe '{}' has no regularizer; "
            "add --recipe hemp",
            options.recipe);
    }
    if (options.quantizer == "ternary" && options.levels > 0 && options.levels != 3) {
        fail<UsageError>("--levels: a ternary quantizer has 3, not {}; drop it, or --quantizer ternary",
                         options.levels);
    }
    if (options.level_step > 0 && !options.quantizer.empty() && options.quantizer != "uniform") {
        fail<UsageError>("--level-step: quantizer '{}' fits its levels to the weights; drop one of the two",
                         options.quantizer);
    }
    if (options.distillation > 0 && options.input.empty()) {
        fail<UsageError>(
            "--distillation: a network that starts from fresh weights has none to follow; drop it, or use "
            "compress");
    }
    if (options.level_step > 0 && options.recipe == "paper") {
        fail<UsageError>("--level-step: recipe 'paper' fits its levels to the weights; drop it, or use --recipe hemp");
    }
}

Recipe recipe_of(const RunOptions& options, const std::string& model) {
    auto   given           = [](double value, float usual) { return value >= 0 ? static_cast<float>(value) : usual; };
    Recipe result          = recipe(options.recipe, model);
    result.epochs          = options.epochs > 0 ? options.epochs : result.epochs;
    result.batch           = options.batch > 0 ? options.batch : result.batch;
    result.rate            = options.rate > 0 ? static_cast<float>(options.rate) : result.rate;
    result.weight_decay    = given(options.weight_decay, result.weight_decay);
    result.augmentation    = options.augment.empty() ? result.augmentation : augmentation(options.augment);
    result.smoothing       = given(options.smoothing, result.smoothing);
    result.mixup           = given(options.mixup, result.mixup);
    result.clip_norm       = static_cast<float>(options.clip_norm);
    result.prune           = options.prune;
    result.prune_tolerance = options.prune_tolerance;
    if (result.regularizes()) {
        for (const auto& [name, rule] : level_rules) {
            result.regularizer.rule = options.quantizer == name ? rule : result.regularizer.rule;
        }
        bool uniform              = result.regularizer.rule == LevelRule::mid_tread;
        result.regularizer.zero   = result.prunes() || (result.regularizer.target == Target::coder && !uniform);
        result.regularizer.levels = options.levels > 0 ? options.levels : result.regularizer.levels;
        if (result.regularizer.rule == LevelRule::ternary) {
            result.regularizer.levels = 3;
        }
        result.regularizer.deviations = options.level_step > 0 ? options.level_step : result.regularizer.deviations;
        if (options.order > 0) {
            result.regularizer.target        = Target::entropy;
            result.refresh                   = Recipe{}.refresh;
            result.regularizer.entropy.order = options.order;
        }
        result.entropy      = given(options.entropy, result.entropy);
        result.distillation = given(options.distillation, result.distillation);
    }
    return result;
}

}  // namespace hemp
