#include "cli/run.h"

#include "cli/evaluate.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/run_folder.h"
#include "cli/search.h"
#include "cli/trainer.h"
#include "core/file/hash.h"
#include "core/kernels/dispatch.h"
#include "core/run/team.h"
#include "core/version.h"
#include "hemp/arrange.h"
#include "hemp/package.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace fs = std::filesystem;

namespace hemp {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

struct Data {
    Dataset                train;
    std::optional<Dataset> validation;
    Dataset                test;
};

Data load_data(const RunOptions& options, const Model& model, const Settings& settings) {
    auto load = [&](const std::string& source, Part part) {
        return load_for(model, source, part, options.images, settings);
    };
    Data data{load(options.data, Part::train), {}, load(options.data, Part::test)};
    if (!options.val.empty()) {
        data.validation = load(options.val, Part::train);
    } else if (options.holdout) {
        Holdout parts = hold_out(data.train, options.seed);
        if (parts.validation.size() == 0) {
            fail<UsageError>(
                "{}: of {} images a twelfth is held out to choose the best epoch by, which is none; name others with "
                "--val, or add --no-holdout",
                data.train.name, data.train.size());
        }
        data.train      = std::move(parts.train);
        data.validation = std::move(parts.validation);
    }
    return data;
}

/// Which images of the training part a run does not train on, as checkpoints' metadata keep it.
constexpr const char* held_out_key = "held_out";

std::string held_out(const RunOptions& options) {
    return !options.val.empty() || !options.holdout ? "none" : "by seed " + std::to_string(options.seed);
}

/// The network that a run starts from, and the `classes` that it was trained on. In `note`, why accuracies of its
/// held-out images are not to be trusted.
Model starting_model(const RunOptions& options, const Settings& settings, std::vector<std::string>& classes,
                     std::string& note) {
    if (options.input.empty()) {
        return build_model(options.model, options.seed);
    }
    Input input      = read_input(options.input, options.model, settings.file_memory());
    classes          = input.classes;
    const auto& told = input.metadata.find(held_out_key);
    if (told != input.metadata.end() && options.holdout && options.val.empty() && told->second != held_out(options)) {
        constexpr std::string_view by_seed = "by seed ";
        bool                       other   = told->second.starts_with(by_seed);
        note = fmt::format("{} was trained on images that are held out now, whose accuracy is too good therefore: {}",
                           input.path.string(),
                           other ? "add --seed " + told->second.substr(by_seed.size()) : "name others with --val");
    }
    return std::move(input.model);
}

std::string hash_of_data(const Data& data) {
    Hash hash;
    for (const Dataset* each : {&data.train, data.validation ? &*data.validation : nullptr, &data.test}) {
        if (each != nullptr) {
            for (int64_t i = 0; i < each->size(); ++i) {
                hash.add(std::as_bytes(each->images.bytes_of(i)));
            }
            hash.add({static_cast<const std::byte*>(each->labels.memory()), each->labels.bytes()});
        }
    }
    return hash.hex();
}

/// AVX2 and AVX-512 give the same bits, the baseline others.
bool rounds_alike(const std::string& a, const std::string& b) { return (a == "baseline") == (b == "baseline"); }

/// Files keep the names of classes as text.
void check_names(const Dataset& data) {
    for (const std::string& name : kept_classes(data.classes)) {
        if (!is_printable_utf8(name)) {
            fail<DataError>("{}: the name of class '{}' is not printable UTF-8; rename its folder", data.name, name);
        }
    }
}

/// Throws UsageError unless `now`, the manifest of the resumed run, goes on with the run that is in the folder.
void check_same_run(const fs::path& folder, const Json& now) {
    fs::path manifest = folder / "manifest.json";
    if (!fs::exists(manifest)) {
        fail<UsageError>("{}: there is no run to resume; leave --resume out", folder.string());
    }
    Json stored = read_json(manifest);
    if (!stored["arguments"].is_object() || !stored["kernel_family"].is_string()) {
        fail<DataError>("{}: is no manifest of a run; start the run again with --force", manifest.string());
    }
    Json defaults = to_json(RunOptions{});
    for (const auto& [key, value] : now["arguments"].items()) {
        // Options that were not there yet when the run began were as they are by default.
        Json before        = stored["arguments"].value(key, defaults[key]);
        bool longer_search = key == "rounds" && before > 1 && value > before;
        if (before != value && !longer_search) {
            const std::string flag  = flag_of(key);
            auto              given = [&, &usual = defaults[key]](const Json& each) {
                std::string value = each.is_boolean() ? "" : " " + text_of(each);
                return each == usual ? "without " + flag : "with " + flag + value;
            };
            fail<UsageError>("--resume: the run in {} was begun {}, not {}; resume it with its own arguments",
                             folder.string(), given(before), given(value));
        }
    }
    for (auto [key, what] : {std::pair{"data_hash", "data"}, std::pair{"input_hash", "input"}}) {
        if (now.contains(key) && stored[key] != now[key]) {
            fail<UsageError>(
                "--resume: the {} of the run in {} has changed since; bring the old content back, or start again with "
                "--force",
                what, folder.string());
        }
    }
    std::string family = stored["kernel_family"];
    if (!rounds_alike(family, now["kernel_family"])) {
        fail<UsageError>("--resume: the run in {} used {} kernels, which round differently; add --kernels {}",
                         folder.string(), family, family);
    }
}

/// Throws, before anything is computed, where the run cannot be kept. Changes nothing: the run may yet be refused.
void check_place(const RunPlace& place, const fs::path& input, const Json& manifest) {
    check_output(place.output);
    std::string_view replaced = name_in_run(place.output, place.folder);
    if (!replaced.empty() && replaced != "model.hemp") {  // whose second copy the output is
        fail<UsageError>(
            "{}: is a file of the run itself, which keeps its best there as model.hemp anyway; name another file with "
            "-o",
            place.output.string());
    }
    if (place.resume) {
        check_same_run(place.folder, manifest);
        return;
    }
    std::error_code error;
    bool            used = fs::directory_iterator(place.folder, error) != fs::directory_iterator();
    if (used && !place.force) {
        fail<UsageError>(
            "{}: the folder is not empty; add --resume to go on with its run, --force to replace it, or choose another "
            "with --out",
            place.folder.string());
    }
    if (used && !name_in_run(input, place.folder).empty()) {
        fail<UsageError>("--force: would delete the input, {}; choose another folder with --out", input.string());
    }
}

/// Makes the folder of a new run, or empties that of the run to replace.
void make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
        fail("{}: the folder cannot be made: {}; choose another", folder.string(), error.message());
    }
    for (const char* name : files_of_run) {
        fs::remove(folder / name, error);
    }
}

/// Of one epoch's model: what decides which is best.
struct Candidate {
    int64_t  epoch    = -1;
    double   accuracy = 0;
    uint64_t bytes    = 0;      ///< of the .hemp file
    bool     settled  = false;  ///< the regularizer has reached its full strength
};

double share_of_zeros(const Model& model) {
    int64_t zeros = 0, all = 0;
    for (const Tensor& each : model.weights()) {
        zeros += std::ranges::count(value_of(each).values<float>(), 0.0f);
        all += each.shape().size();
    }
    return static_cast<double>(zeros) / static_cast<double>(all);
}

/// By the target that was set; without one, a settled model beats any other, then accuracy counts, then size.
bool better(const Candidate& a, const Candidate& b, double least_accuracy, uint64_t most_bytes) {
    if (b.epoch < 0) {
        return true;
    }
    if (least_accuracy >= 0) {
        bool a_reaches = a.accuracy >= least_accuracy;
        bool b_reaches = b.accuracy >= least_accuracy;
        if (a_reaches != b_reaches) {
            return a_reaches;
        }
        return a_reaches ? a.bytes < b.bytes : a.accuracy > b.accuracy;
    }
    if (most_bytes > 0) {
        bool a_fits = a.bytes <= most_bytes;
        bool b_fits = b.bytes <= most_bytes;
        if (a_fits != b_fits) {
            return a_fits;
        }
        return a_fits ? a.accuracy > b.accuracy : a.bytes < b.bytes;
    }
    if (a.settled != b.settled) {
        return a.settled;
    }
    return a.accuracy > b.accuracy || (a.accuracy == b.accuracy && a.bytes < b.bytes);
}

class Run {
 public:
    Run(const RunOptions& options, const RunPlace& place, const Settings& settings);

    RunResult go();

 private:
    void              restore();
    void              train();
    void              train_round();
    bool              next_round();
    std::string       plan() const;  ///< what is about to be done, in words
    void              add_to_path();
    int64_t           further_rounds() const;  ///< that may follow the one that runs
    [[noreturn]] void fail_diverged(const std::string& sign) const;
    void              check_finite() const;
    void              prune_start_of_rounds();
    void              end_epoch(double loss);
    void              save();
    void              keep_about_images(Checkpoint& checkpoint) const;
    void              keep_best(const Candidate& candidate, const std::vector<std::byte>& file);
    Json              accuracies_of_input();
    void              write_manifest(const Json& outputs);
    RunResult         result();
    bool              meets_target(const Candidate& candidate) const;

    /// The model as its user gets it goes into `judged_`; returns the bytes of its file, none without a regularizer.
    std::vector<std::byte> judge();

    fs::path file(const char* name) const { return place_.folder / name; }

    RunOptions  options_;
    RunPlace    place_;
    Settings    settings_;
    std::string note_;

    std::vector<std::string> classes_of_input_;

    Model     model_, judged_;
    Recipe    recipe_;
    Data      data_;
    Evaluator evaluator_;
    Json      manifest_;
    double    least_accuracy_ = -1;
    Json      of_input_       = Json::object();  ///< accuracies of the network that compress starts from, by key
    Candidate best_;

    std::optional<Search> search_;  // of the coefficient, where a target is set
    Json                  path_         = Json::array();
    Json                  metrics_      = Json::array();
    double                past_seconds_ = 0;  // of the processes that ran before, up to their last epoch's end

    std::optional<Trainer>  trainer_;
    std::optional<Progress> progress_;
};

Run::Run(const RunOptions& options, const RunPlace& place, const Settings& settings)
    : options_(options),
      place_(place),
      settings_(settings),
      model_(starting_model(options, settings, classes_of_input_, note_)),
      judged_(alike(model_, options.seed)),
      recipe_(recipe_of(options, model_.source)),
      data_(load_data(options, model_, settings)),
      evaluator_(judged_, evaluation_batch(model_), false, settings.program_memory()) {
    check_names(data_.train);
    check_fits(data_.train, model_, classes_of_input_, options_.input.empty());
    check_fits(data_.test, model_, data_.train.classes);
    if (data_.validation) {
        check_fits(*data_.validation, model_, data_.train.classes);
    }
    manifest_ = {{"command", options_.input.empty() ? "train" : "compress"},
                 {"arguments", to_json(options_)},
                 {"seed", options_.seed},
                 {"model", model_.name},
                 {"version", HEMP_VERSION},
                 {"kernel_family", name_of(instruction_set())},
                 {"threads", default_threads()},
                 {"data_hash", hash_of_data(data_)},
                 {"binary_hash", hash_of_file("/proc/self/exe")}};
    if (!options_.input.empty()) {
        manifest_["input_hash"] = hash_of_file(options_.input);
    }
    check_place(place_, options_.input, manifest_);
    if (!options_.input.empty()) {
        of_input_ = accuracies_of_input();
        manifest_.update(of_input_);
    }
    if (options_.has_least_accuracy()) {
        double asked = options_.target_accuracy;
        if (options_.max_drop >= 0) {
            asked = of_input_["input_val_accuracy"].get<double>() - options_.max_drop;
        }
        constexpr double rounding   = 1e-9;  // of a difference of percentages; an image is far more
        least_accuracy_             = std::max(0.0, asked - rounding);
        manifest_["least_accuracy"] = least_accuracy_;
    }
    trainer_.emplace(model_, data_.train,
                     TrainerOptions{.recipe  = recipe_,
                                    .seed    = options_.seed,
                                    .trained = !options_.input.empty(),
                                    .held_out_loss =
                                        [this] {
                                            copy_parameters(model_, judged_);
                                            return evaluator_.run(*data_.validation, settings_.loader_threads).loss;
                                        },
                                    .max_memory     = settings_.program_memory(),
                                    .loader_threads = settings_.loader_threads});
    if (options_.has_target() && options_.rounds > 1) {
        search_.emplace(recipe_.entropy);
    }
    progress_.emplace(settings_.quiet, recipe_.epochs, trainer_->steps_per_epoch(), recipe_.batch,
                      parameter_count(model_), further_rounds());
}

/// A run that goes on has measured them: input, images and rounding are the same.
Json Run::accuracies_of_input() {
    Json stored = place_.resume ? read_json(file("manifest.json")) : Json::object();
    Json result = Json::object();
    copy_parameters(model_, judged_);
    auto measure = [&](const char* key, const Dataset& images) {
        bool known  = stored.contains(key) && stored[key].is_number();
        result[key] = known ? stored[key] : Json(evaluator_.run(images, settings_.loader_threads).accuracy);
    };
    measure("input_accuracy", data_.test);
    if (data_.validation) {
        measure("input_val_accuracy", *data_.validation);
    }
    return result;
}

void Run::write_manifest(const Json& outputs) {
    manifest_["outputs"] = outputs;
    write_file_atomically(file("manifest.json"), bytes_of(text_of(manifest_, 2) + "\n"));
}

/// Puts into a checkpoint what the images were: how they are scaled, the names of the classes, where they are more than
/// numbers, and which part of them was held out.
void Run::keep_about_images(Checkpoint& checkpoint) const {
    checkpoint.metadata[held_out_key]      = held_out(options_);
    checkpoint.metadata[normalisation_key] = normalisation_text(model_.mean, model_.deviation);
    std::vector<std::string> classes       = kept_classes(data_.train.classes);
    if (!classes.empty()) {
        checkpoint.metadata[classes_key] = text_of(classes);
    }
}

void Run::save() {
    Checkpoint state                  = trainer_->state();
    state.metadata["best_epoch"]      = std::to_string(best_.epoch);
    state.metadata["best_accuracy"]   = fmt::format("{}", best_.accuracy);
    state.metadata["best_bytes"]      = std::to_string(best_.bytes);
    state.metadata["best_is_settled"] = best_.settled ? "1" : "0";
    if (search_) {
        Search::State search               = search_->state();
        state.metadata["search"]           = fmt::format("{}", search.coefficient);
        state.metadata["search_too_small"] = fmt::format("{}", search.too_small);
        state.metadata["search_too_large"] = fmt::format("{}", search.too_large);
        state.metadata["path"]             = text_of(path_);
    }
    keep_about_images(state);
    save_checkpoint(file("last.ckpt"), std::move(state));
}

void Run::restore() {
    if (!fs::exists(file("last.ckpt")) && !fs::exists(file("last.ckpt.previous"))) {
        fail<UsageError>("{}: the run there ended before its first state was kept; start again with --force",
                         place_.folder.string());
    }
    Loaded loaded = load_newest_valid(file("last.ckpt"), settings_.program_memory());
    if (!loaded.warning.empty()) {
        tell(fmt::format("hemp: {}\n", loaded.warning));
        restore_previous(file("last.ckpt"));
    }
    trainer_->restore(loaded.checkpoint);
    const auto& metadata = loaded.checkpoint.metadata;
    try {
        best_ = {std::stoll(metadata.at("best_epoch")), std::stod(metadata.at("best_accuracy")),
                 std::stoull(metadata.at("best_bytes")), metadata.at("best_is_settled") == "1"};
        if (search_) {
            search_->restore({std::stod(metadata.at("search")), std::stod(metadata.at("search_too_small")),
                              std::stod(metadata.at("search_too_large"))});
            path_ = parse_json(metadata.at("path"));
            if (metadata.contains("round_epochs")) {  // of a build whose rounds were of other lengths
                throw std::invalid_argument("round_epochs");
            }
        }
    } catch (const std::logic_error&) {  // not there, or no number
        fail<DataError>(
            "{}: does not say which epoch was best; it was not written by this program, start again with --force",
            file("last.ckpt").string());
    }
    // An epoch's line is written before its state: lines of epochs that are run again go.
    for (const Json& entry : read_metrics(place_.folder)) {
        if (entry["epoch"].get<int64_t>() <= trainer_->epoch()) {
            for (const char* key : {"accuracy", "bytes"}) {
                if (search_ && !(entry.contains(key) && entry[key].is_number())) {
                    fail<DataError>(
                        "{}: the line of epoch {} says no {}, which the search needs; start again with --force",
                        file("metrics.jsonl").string(), entry["epoch"].get<int64_t>(), key);
                }
            }
            metrics_.push_back(entry);
            past_seconds_ = entry["seconds"];
        }
    }
    progress_->expect(trainer_->epochs(), further_rounds());
    // What another process wrote may have gone, or is asked for under another name.
    if (!place_.output.empty() && best_.epoch >= 0) {
        write_file_atomically(place_.output, read_file(file("model.hemp"), settings_.program_memory()));
    }
    progress_->line(fmt::format("resuming at epoch {}, step {}", trainer_->epoch() + 1, trainer_->step() + 1));
}

bool Run::meets_target(const Candidate& candidate) const {
    return candidate.accuracy >= least_accuracy_ &&
           (options_.target_bytes == 0 || candidate.bytes <= options_.target_bytes);
}

std::vector<std::byte> Run::judge() {
    if (trainer_->regularizer() == nullptr) {
        copy_parameters(model_, judged_);
        return {};
    }
    // The accuracy that counts is that of the decoded file.
    HempFile packed              = package(model_, trainer_->regularizer());
    packed.classes               = kept_classes(data_.train.classes);
    std::vector<std::byte> bytes = encode_smaller(packed, trainer_->units(), model_spec);
    load(judged_, decode(bytes, "model.hemp", model_spec, {.max_memory = settings_.program_memory()}), "model.hemp");
    return bytes;
}

void Run::keep_best(const Candidate& candidate, const std::vector<std::byte>& bytes) {
    best_ = candidate;
    if (data_.validation) {
        Checkpoint best;
        for (const Parameter& each : judged_.parameters()) {
            best.arrays.push_back({each.name, value_of(each.variable)});
        }
        best.metadata = {{"model", model_.source},
                         {"recipe", recipe_.name},
                         {"seed", std::to_string(options_.seed)},
                         {"epoch", std::to_string(candidate.epoch)},
                         {"accuracy", fmt::format("{}", candidate.accuracy)}};
        keep_about_images(best);
        save_checkpoint(file("best.ckpt"), std::move(best));
    }
    if (!bytes.empty()) {
        write_file_atomically(file("model.hemp"), bytes);
        if (!place_.output.empty()) {
            write_file_atomically(place_.output, bytes);
        }
    }
}

/// The last step's update is in no loss yet: what it made of the weights must not replace a good state.
void Run::fail_diverged(const std::string& sign) const {
    fail("train: {} after epoch {}; the run diverged: use a lower --rate, the last good state is kept", sign,
         trainer_->epoch());
}

void Run::check_finite() const {
    for (const Parameter& each : model_.parameters()) {
        auto finite = [](float value) { return std::isfinite(value); };
        if (!std::ranges::all_of(value_of(each.variable).values<float>(), finite)) {
            fail_diverged(fmt::format("tensor '{}' holds values that are not finite", each.name));
        }
    }
}

/// Every round keeps what the first has pruned. A crash may have left the earlier state under the previous name.
void Run::prune_start_of_rounds() {
    Checkpoint start = load_newest_valid(file("round.ckpt"), settings_.program_memory()).checkpoint;
    trainer_->prune_as_now(start);
    save_checkpoint(file("round.ckpt"), std::move(start));
}

void Run::end_epoch(double loss) {
    check_finite();
    std::vector<std::byte> bytes = judge();
    Candidate              candidate{.epoch = trainer_->epoch(), .bytes = bytes.size()};
    const Trainer::Round&  round = trainer_->round();
    double                 full  = static_cast<double>(recipe_.epochs) * static_cast<double>(recipe_.ramp_share);
    candidate.settled            = bytes.empty() || static_cast<double>(candidate.epoch - round.first) > full;

    Json        entry{{"epoch", candidate.epoch}, {"loss", loss}};
    std::string text = fmt::format("epoch {}/{}  loss {:.4f}", candidate.epoch, trainer_->epochs(), loss);
    if (data_.validation) {
        Evaluation evaluation = evaluator_.run(*data_.validation, settings_.loader_threads);
        if (!std::isfinite(evaluation.loss)) {
            fail_diverged(fmt::format("the loss of the held-out images is {}", evaluation.loss));
        }
        candidate.accuracy = evaluation.accuracy;
        entry["accuracy"]  = evaluation.accuracy;
        entry["val_loss"]  = evaluation.loss;
        text += fmt::format("  accuracy {:.2f} %", evaluation.accuracy);
    }
    if (!bytes.empty()) {
        int64_t weights          = parameter_count(model_);
        double  per_weight       = 8.0 * static_cast<double>(bytes.size()) / static_cast<double>(weights);
        entry["entropy"]         = round.entropy;
        entry["bytes"]           = bytes.size();
        entry["bits_per_weight"] = per_weight;
        std::string      order   = std::to_string(recipe_.regularizer.entropy.order);
        Trainer::Entropy entropy = trainer_->entropy();
        entry["entropy_bits"]    = {{order, entropy.bits}};
        entry["entropy_bound"]   = {{order, entropy.bound}};
        entry["distinct_tuples"] = {{order, entropy.distinct}};
        entry["tuples"]          = {{order, entropy.tuples}};
        text += fmt::format("  {} bytes, {:.3f} bits/weight", grouped(bytes.size()), per_weight);
    }
    if (recipe_.prunes()) {
        entry["zeros"] = share_of_zeros(judged_);
        text += fmt::format("  {:.1f} % zeros", 100 * entry["zeros"].get<double>());
    }
    entry["images_per_second"] = progress_->images_per_second();
    entry["seconds"]           = past_seconds_ + progress_->seconds();
    if (search_ && path_.empty() && recipe_.prunes() && candidate.epoch == trainer_->pruning_epochs()) {
        prune_start_of_rounds();
    }
    bool first_pruned = candidate.epoch >= trainer_->pruning_epochs() && best_.epoch < trainer_->pruning_epochs();
    bool is_best =
        !data_.validation || first_pruned || better(candidate, best_, least_accuracy_, options_.target_bytes);
    if (is_best) {
        keep_best(candidate, bytes);
        text += data_.validation ? "  best" : "";
    }
    metrics_.push_back(entry);
    std::string lines;
    for (const Json& each : metrics_) {
        lines += text_of(each) + "\n";
    }
    write_file_atomically(file("metrics.jsonl"), bytes_of(lines));
    progress_->line(fmt::format("{}  {:.0f} images/s  {}", text, progress_->images_per_second(), progress_->left()));
}

/// What the round that ends came to: of its epochs with frozen zeros that meet the target, the best; else the nearest.
void Run::add_to_path() {
    Candidate reached;
    for (const Json& entry : metrics_) {
        Candidate each{.epoch = entry["epoch"], .accuracy = entry["accuracy"], .bytes = entry["bytes"]};
        if (each.epoch > std::min(trainer_->first_frozen_epoch(), trainer_->epochs() - 1) &&
            better(each, reached, least_accuracy_, options_.target_bytes)) {
            reached = each;
        }
    }
    if (reached.epoch < 0) {
        fail<DataError>("{}: has no line of the round that ends with epoch {}; start again with --force",
                        file("metrics.jsonl").string(), trainer_->epoch());
    }
    path_.push_back({{"epoch", trainer_->epoch()},
                     {"entropy", trainer_->round().entropy},
                     {"bytes", reached.bytes},
                     {"accuracy", reached.accuracy},
                     {"target_reached", meets_target(reached)}});
}

int64_t Run::further_rounds() const {
    return search_ ? std::max<int64_t>(options_.rounds - 1 - std::ssize(path_), 0) : 0;
}

/// After a round: makes the next one ready, unless the search is at its end.
bool Run::next_round() {
    if (path_.empty() || path_.back()["epoch"] != trainer_->epoch()) {  // else a finished search is resumed
        add_to_path();
        save();
    }
    const Json& last      = path_.back();
    bool        too_small = last["target_reached"] == (least_accuracy_ >= 0);
    std::string outcome   = fmt::format("round {}: entropy {:.3g}, {} bytes at {:.2f} %, target {}", path_.size(),
                                        last["entropy"].get<double>(), grouped(last["bytes"].get<uint64_t>()),
                                        last["accuracy"].get<double>(), last["target_reached"] ? "reached" : "missed");
    bool        apart     = search_->next(too_small);
    if (!apart || std::ssize(path_) >= options_.rounds) {
        if (!apart) {
            outcome += fmt::format("; the coefficient lies between this and {:.3g}, near enough",
                                   too_small ? search_->state().too_large : search_->state().too_small);
        } else if (std::ranges::all_of(path_, [](const Json& round) { return round["target_reached"].get<bool>(); })) {
            outcome += fmt::format("; --resume with more --rounds would find a {} file, the target still holds",
                                   least_accuracy_ >= 0 ? "smaller" : "more accurate");
        }
        progress_->line(outcome);
        return false;
    }
    // The previous one may be of before the pruning.
    trainer_->restore_variables(load_checkpoint(file("round.ckpt"), settings_.program_memory()));
    trainer_->start_round(static_cast<float>(search_->coefficient()));
    progress_->expect(trainer_->epochs(), further_rounds());
    progress_->line(fmt::format("{}; next: entropy {:.3g}", outcome, search_->coefficient()));
    save();
    return true;
}

void Run::train() {
    train_round();
    while (search_ && next_round()) {
        train_round();
    }
}

void Run::train_round() {
    while (!trainer_->done()) {
        double loss = trainer_->run_epoch([&](const Trainer::Progress& now) {
            progress_->step(trainer_->epoch(), trainer_->step(), now.loss, now.bits);
            return signal_received() == 0;
        });
        if (trainer_->step() == 0) {
            end_epoch(loss);
        }
        save();
        if (signal_received() != 0 && !trainer_->done()) {
            std::string how =
                place_.kept ? "all is saved; add --resume to the same command to go on" : "start it again";
            if (best_.epoch < 0 && !place_.output.empty()) {
                how += fmt::format(" ({} comes with the end of the first epoch)", place_.output.string());
            }
            throw Interrupted(signal_received(), fmt::format("{}: interrupted, {}", place_.folder.string(), how));
        }
    }
}

RunResult Run::result() {
    fs::path  hemp = trainer_->regularizer() != nullptr ? file("model.hemp") : fs::path();
    RunResult result{{}, hemp, {}};
    Json&     summary = result.summary;
    auto      weights = static_cast<uint64_t>(parameter_count(model_));
    if (!hemp.empty()) {
        Bytes bytes = read_file(hemp, settings_.program_memory());
        load(judged_, decode(bytes, hemp.string(), model_spec, {.max_memory = settings_.program_memory()}),
             hemp.string());
    } else if (data_.validation) {
        set_parameters(judged_, load_checkpoint(file("best.ckpt"), settings_.program_memory()),
                       file("best.ckpt").string());
    }
    Evaluation evaluation = evaluator_.run(data_.test, settings_.loader_threads);
    summary               = {{"folder", place_.folder.string()}, {"model", model_.name},    {"recipe", recipe_.name},
                             {"accuracy", evaluation.accuracy},  {"loss", evaluation.loss}, {"epoch", best_.epoch}};
    summary.update(of_input_);
    summary["chance"] = 100.0 / static_cast<double>(model_.classes);
    if (data_.validation) {
        summary["val_accuracy"] = best_.accuracy;
    }
    if (!hemp.empty()) {
        Bytes       bytes = read_file(hemp, settings_.program_memory());
        FileSummary parts = summarize(bytes, hemp.string(), model_spec);
        summary["bytes"]  = bytes.size();
        for (const auto& [name, size] : parts.parts) {
            summary["parts"][name] = size;
        }
        summary["bits_per_weight"] = 8.0 * static_cast<double>(bytes.size()) / static_cast<double>(weights);
        // Of the epoch whose file it is.
        for (const Json& entry : metrics_) {
            for (const char* key : {"entropy_bits", "entropy_bound", "distinct_tuples", "tuples"}) {
                if (entry["epoch"] == best_.epoch && entry.contains(key)) {
                    summary[key] = entry[key];
                }
            }
        }
    } else {
        summary["bytes"] = fs::file_size(file(data_.validation ? "best.ckpt" : "last.ckpt"));
    }
    if (options_.has_target()) {
        summary["target_reached"] = meets_target(best_);
        if (least_accuracy_ >= 0) {
            summary["least_accuracy"] = least_accuracy_;
        } else {
            summary["target_bytes"] = options_.target_bytes;
        }
    }
    if (search_) {
        summary["path"] = path_;
    }
    if (!meets_target(best_)) {
        result.missed = least_accuracy_ >= 0
                            ? fmt::format("no epoch reached {:.2f} % on the held-out images, the best has {:.2f} %",
                                          least_accuracy_, best_.accuracy)
                            : fmt::format("no epoch's file has at most {} bytes, the smallest has {}",
                                          grouped(options_.target_bytes), grouped(best_.bytes));
    }
    summary["weights"]           = weights;
    summary["images_per_second"] = progress_->images_per_second();
    summary["seconds"]           = past_seconds_ + progress_->seconds();
    summary["seed"]              = options_.seed;
    summary["threads"]           = default_threads();
    summary["kernel_family"]     = name_of(instruction_set());
    summary["version"]           = HEMP_VERSION;
    return result;
}

/// Two standard deviations of an accuracy that so many images measure, in points.
double noise_of(double accuracy, int64_t images) {
    return 2 * std::sqrt(std::max(0.0, accuracy * (100 - accuracy)) / static_cast<double>(images));
}

std::string Run::plan() const {
    std::string text = fmt::format("{}: {} parameters, {} images, {} {} of {} steps, recipe {}", model_.name,
                                   grouped(static_cast<uint64_t>(parameter_count(model_))),
                                   grouped(static_cast<uint64_t>(data_.train.size())), recipe_.epochs,
                                   recipe_.epochs == 1 ? "epoch" : "epochs", trainer_->steps_per_epoch(), recipe_.name);
    if (trainer_->regularizer() != nullptr) {
        const RegularizerOptions& how = recipe_.regularizer;
        std::string               bits =
            how.target == Target::coder ? "the file's bits" : fmt::format("the entropy of order {}", how.entropy.order);
        text += fmt::format(": {} levels a tensor, {:.3g} times {} a weight beside the loss", how.levels,
                            recipe_.entropy, bits);
    }
    if (of_input_.contains("input_val_accuracy")) {
        text += fmt::format("; the input has {:.2f} % on the held-out images",
                            of_input_["input_val_accuracy"].get<double>());
    }
    if (recipe_.prunes()) {
        text += recipe_.prune > 0 ? fmt::format(", {:.0f} % of the weights pruned", 100 * recipe_.prune)
                                  : ", weights pruned that the loss does not need";
    }
    if (options_.has_target()) {
        text +=
            least_accuracy_ >= 0
                ? fmt::format(
                      "; wanted: the smallest file of at least {:.2f} % on the {} held-out images, where "
                      "chance alone accounts for {:.2f} points",
                      least_accuracy_, grouped(static_cast<uint64_t>(data_.validation->size())),
                      noise_of(least_accuracy_, data_.validation->size()))
                : fmt::format("; wanted: the most accurate file of at most {} bytes", grouped(options_.target_bytes));
    }
    if (search_) {
        text += fmt::format(", in at most {} rounds of as many epochs", options_.rounds);
    }
    return place_.kept ? text + fmt::format("; what is best so far is in {}", place_.folder.string()) : text;
}

RunResult Run::go() {
    if (place_.resume) {
        restore();
        write_manifest(Json::object());
    } else {
        make_folder(place_.folder);
        write_manifest(Json::object());
        if (search_) {
            save_checkpoint(file("round.ckpt"), trainer_->state());
        }
        save();
    }
    if (!trainer_->done()) {
        progress_->line(plan());
        if (!note_.empty()) {
            progress_->line("note: " + note_);
        }
    }
    train();
    if (best_.epoch < 0) {
        fail<UsageError>("{}: the run has no epochs; give --epochs 1 or more", place_.folder.string());
    }
    RunResult done = result();
    write_manifest(output_hashes(place_.folder));
    return done;
}

}  // namespace

RunResult run_training(const RunOptions& options, const RunPlace& place, const Settings& settings) {
    if (place.resume && place.force) {
        fail<UsageError>("--force: contradicts --resume; drop one of them");
    }
    check(options);
    watch_signals();
    return Run(options, place, settings).go();
}

}  // namespace hemp
