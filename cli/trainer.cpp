#include "cli/trainer.h"

#include "core/ops/add.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/multiply.h"
#include "core/ops/select.h"
#include "core/ops/subtract.h"
#include "hemp/arrange.h"
#include "hemp/package.h"
#include "hemp/prune.h"
#include "optim/adam.h"
#include "optim/clip.h"
#include "optim/sgd.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

namespace hemp {
namespace {

Array scalar(float value) { return Array(Shape{}, std::vector<float>{value}); }

Gradients clipped(const Recipe& recipe, const Gradients& gradients) {
    return recipe.clip_norm > 0 ? clip_by_norm(gradients, recipe.clip_norm) : gradients;
}

Updates optimizer_updates(const Recipe& recipe, const Gradients& gradients, const Tensor& rate) {
    if (recipe.optimizer == Recipe::Optimizer::adam) {
        return adam(gradients, {.rate = rate, .weight_decay = recipe.weight_decay});
    }
    return sgd(
        gradients,
        {.rate = rate, .momentum = recipe.momentum, .nesterov = recipe.nesterov, .weight_decay = recipe.weight_decay});
}

/// What lies under a hidden part of an image: the mean of all images, which the network sees as zero.
std::vector<uint8_t> mean_colour(const Model& model) {
    std::vector<uint8_t> colour;
    for (float mean : model.mean) {
        colour.push_back(static_cast<uint8_t>(std::lround(255 * std::clamp(mean, 0.0f, 1.0f))));
    }
    return colour;
}

/// What the regularizer works on: the weights, and biases too where it counts all that the file holds.
Tensors regularized(const Model& model, Target target) {
    Tensors result;
    for (const Parameter& each : model.parameters()) {
        if (each.role == Role::weight || (each.role == Role::bias && target == Target::coder)) {
            result.push_back(each.variable);
        }
    }
    return result;
}

int64_t frozen_epochs(const Recipe& recipe) {
    return std::llround(recipe.frozen_share * static_cast<float>(recipe.epochs));
}

/// Biases are not pruned.
bool can_be_pruned(const Tensor& parameter) { return parameter.shape().rank() >= 2; }

}  // namespace

Trainer::Trainer(const Model& model, const Dataset& train, const TrainerOptions& options)
    : model_(model), options_(options) {
    const Recipe& recipe = options_.recipe;
    round_               = {.entropy = recipe.entropy};
    loader_              = std::make_unique<Loader>(train, LoaderOptions{.batch     = recipe.batch,
                                                                         .height    = model.image[1],
                                                                         .width     = model.image[2],
                                                                         .seed      = options_.seed,
                                                                         .augment   = recipe.augmentation,
                                                                         .hidden    = mean_colour(model),
                                                                         .mixup     = recipe.mixup,
                                                                         .drop_last = true,
                                                                         .threads   = options_.loader_threads});
    if (loader_->steps_per_epoch() == 0) {
        fail<UsageError>(
            "train: a batch of {} needs at least as many images, and the training part has {}; use a smaller --batch",
            recipe.batch, train.size());
    }
    if (recipe.prunes() && first_pruned_epoch() >= epochs()) {
        fail<UsageError>("train: pruning by sensitivity begins after the first epoch; give --epochs 2 or more");
    }
    if (recipe.regularizes()) {
        regularizer_.emplace(regularized(model_, recipe.regularizer.target), recipe.regularizer);
        units_ = hidden_units(model_, options_.max_memory);
        if (recipe.regularizer.target == Target::coder) {
            for (const HiddenUnits& each : units_) {
                Array order(Type{{each.count}, DType::i32});
                std::iota(order.values<int32_t>().begin(), order.values<int32_t>().end(), 0);
                orders_.push_back(variable(model_.parameters()[each.producer].name + ".order", std::move(order)));
            }
        }
        if (options_.trained && recipe.distillation > 0) {
            teacher_ = alike(model_, options_.seed);
            copy_parameters(model_, *teacher_);
        }
    }
    build();
}

void Trainer::build() {
    const Recipe& recipe = options_.recipe;
    Shape         images{recipe.batch, model_.image[0], model_.image[1], model_.image[2]};
    images_       = input("images", images, DType::u8);
    labels_       = input("labels", {recipe.batch}, DType::i32);
    other_labels_ = input("other labels", {recipe.batch}, DType::i32);
    share_        = input("share", {});
    rate_         = input("rate", {});
    number_       = input("step", {}, DType::i32);
    coefficient_  = input("entropy coefficient", {});
    pull_         = input("level pull", {});
    step_rate_    = input("step rate", {});
    decay_        = input("insensitive decay", {});

    Pass   pass{.training = true, .step = number_};
    Tensor logits = model_(images_, pass);
    Tensor loss   = cross_entropy(logits, labels_, recipe.smoothing);
    if (recipe.mixup > 0) {
        loss = loss * share_ + cross_entropy(logits, other_labels_, recipe.smoothing) * (1.0f - share_);
    }
    if (teacher_) {
        Pass   silent;
        Tensor target = (*teacher_)(images_, silent);
        loss =
            loss * (1 - recipe.distillation) + distillation(logits, target, recipe.temperature) * recipe.distillation;
    }
    Tensors   trained = model_.trained();
    Gradients gradients;
    Updates   updates;
    if (recipe.method == Recipe::Method::straight_through) {
        Tensors forward{loss};
        for (const Update& update : pass.updates) {  // batch norm's statistics are those of the quantized network
            forward.push_back(update.value);
        }
        forward = regularizer_->quantized(forward);
        loss    = forward[0];
        for (size_t i = 0; i < pass.updates.size(); ++i) {
            pass.updates[i].value = forward[i + 1];
        }
        Tensors all = trained;
        all.insert(all.end(), regularizer_->steps().begin(), regularizer_->steps().end());
        gradients = grad(loss, all);
        Gradients of_steps(gradients.begin() + static_cast<std::ptrdiff_t>(trained.size()), gradients.end());
        gradients.resize(trained.size());
        gradients = clipped(recipe, gradients);
        updates   = optimizer_updates(recipe, regularizer_->penalized(gradients, coefficient_), rate_);
        for (const Gradient& each : regularizer_->penalized(of_steps, coefficient_)) {
            Updates steps = adam({each}, {.rate = step_rate_ * each.variable});  // by a share of the step
            updates.insert(updates.end(), steps.begin(), steps.end());
        }
    } else {
        gradients = clipped(recipe, grad(loss, trained));
        updates   = optimizer_updates(recipe, gradients, rate_);
        if (recipe.method == Recipe::Method::pull) {
            updates = regularizer_->pulled(updates, gradients, {coefficient_, pull_});
        }
    }
    if (recipe.prunes() || recipe.method == Recipe::Method::straight_through) {
        masked_ = regularizer_ ? regularizer_->weights() : model_.weights();
    }
    for (const Tensor& w : masked_) {
        auto update = std::ranges::find_if(updates, [&](const Update& u) { return u.variable == w; });
        if (recipe.prune_tolerance > 0) {
            auto of_w     = std::ranges::find_if(gradients, [&](const Gradient& g) { return g.variable == w; });
            update->value = update->value * (1.0f - decay_ * insensitivity(of_w->gradient));
        }
        // Zeros of trained weights are of an earlier pruning.
        Array alive(w.type());
        bool  keeps_zeros = recipe.prunes() && options_.trained && can_be_pruned(w);
        std::ranges::transform(value_of(w).values<float>(), alive.values<float>().begin(),
                               [&](float value) { return keeps_zeros && value == 0 ? 0.0f : 1.0f; });
        alive_.push_back(variable(w.node().name + ".alive", std::move(alive)));
        update->value = select(alive_.back(), update->value, w);
    }
    updates.insert(updates.end(), pass.updates.begin(), pass.updates.end());

    for (const Parameter& each : model_.parameters()) {
        state_.push_back(each.variable);
    }
    auto add = [&](const Tensor& variable) {
        if (std::ranges::find(state_, variable) == state_.end()) {
            state_.push_back(variable);
        }
    };
    for (const Update& update : updates) {
        add(update.variable);
    }
    if (regularizer_) {
        for (const Tensors* variables : std::initializer_list<const Tensors*>{
                 &regularizer_->steps(), &regularizer_->grids(), &regularizer_->slopes()}) {
            std::ranges::for_each(*variables, add);
        }
        if (recipe.regularizer.target == Target::entropy) {
            refresh_.emplace(
                compile({regularizer_->bits()}, regularizer_->refresh(), {.max_memory = options_.max_memory}));
        }
        hard_entropy_ = regularizer_->hard_entropy();
        measure_.emplace(
            compile({hard_entropy_, distinct_tuples(hard_entropy_)}, {}, {.max_memory = options_.max_memory}));
    }
    std::ranges::for_each(alive_, add);
    std::ranges::for_each(orders_, add);
    program_.emplace(compile({loss}, updates, {.max_memory = options_.max_memory}));
}

void Trainer::start_round(float entropy) { round_ = {.first = epoch_, .entropy = entropy}; }

int64_t Trainer::first_frozen_epoch() const { return epochs() - frozen_epochs(options_.recipe); }

int64_t Trainer::first_pruned_epoch() const {
    // The loss of random weights tells nothing of what it will need.
    return options_.recipe.prune_tolerance > 0 && !options_.trained ? 1 : 0;
}

int64_t Trainer::pruning_epochs() const {
    const Recipe& recipe = options_.recipe;
    int64_t       moving = recipe.epochs - frozen_epochs(recipe);
    return recipe.prunes() ? std::max(moving, first_pruned_epoch() + 1) : 0;
}

void Trainer::begin_epoch() {
    const Recipe& recipe = options_.recipe;
    if (epoch_ >= first_pruned_epoch() && epoch_ < pruning_epochs()) {
        prune();
    }
    if (regularizer_ && epoch_ == round_.first) {
        regularizer_->fit();
    }
    if (recipe.method == Recipe::Method::straight_through && epoch_ == first_frozen_epoch()) {
        freeze_zeros();
    }
    arrange();
}

/// Prices are those of the order in which the file will hold the units.
void Trainer::arrange() {
    if (orders_.empty()) {
        return;
    }
    std::vector<std::vector<size_t>> orders = unit_orders(package(model_, &*regularizer_), units_);
    for (size_t i = 0; i < orders.size(); ++i) {
        std::ranges::copy(orders[i], value_of(orders_[i]).values<int32_t>().begin());
    }
}

/// The share rises fast at first, while many weights are left that nothing depends on.
///   source  Zhu and Gupta, "To prune, or not to prune", 2017, equation 1
void Trainer::prune() {
    const Recipe&      recipe = options_.recipe;
    Tensors            pruned, alive;
    std::vector<Array> before;
    for (size_t i = 0; i < masked_.size(); ++i) {
        if (can_be_pruned(masked_[i])) {
            pruned.push_back(masked_[i]);
            alive.push_back(alive_[i]);
            before.push_back(value_of(masked_[i]));
        }
    }
    auto apply = [&](const auto& mask_of) {
        for (size_t i = 0; i < pruned.size(); ++i) {
            Array mask = mask_of(before[i]);
            std::ranges::transform(before[i].values<float>(), mask.values<float>(),
                                   value_of(pruned[i]).values<float>().begin(), std::multiplies());
        }
    };
    if (recipe.prune > 0) {
        auto   epochs = static_cast<double>(pruning_epochs() - first_pruned_epoch());
        double left   = 1 - static_cast<double>(epoch_ - first_pruned_epoch() + 1) / epochs;
        apply([&](const Array& w) { return magnitude_mask(w, recipe.prune * (1 - left * left * left)); });
    } else {
        float highest = 0;
        for (const Array& w : before) {
            for (float value : w.values<float>()) {
                highest = std::max(highest, std::abs(value));
            }
        }
        auto below = [&](float threshold) { apply([&](const Array& w) { return threshold_mask(w, threshold); }); };
        auto loss  = [&](float threshold) {
            below(threshold);
            return options_.held_out_loss();
        };
        below(tolerated_threshold(loss, highest, recipe.prune_tolerance));
    }
    for (size_t i = 0; i < pruned.size(); ++i) {
        std::ranges::transform(value_of(pruned[i]).values<float>(), value_of(alive[i]).values<float>(),
                               value_of(alive[i]).values<float>().begin(),
                               [](float w, float may_move) { return w != 0 ? may_move : 0.0f; });
    }
}

void Trainer::freeze_zeros() {
    for (size_t i = 0; i < alive_.size(); ++i) {
        std::span<float>   w      = value_of(regularizer_->weights()[i]).values<float>();
        std::span<float>   alive  = value_of(alive_[i]).values<float>();
        std::vector<float> levels = regularizer_->level_values(i);
        std::vector<float> q      = nearest(w, levels);
        for (size_t k = 0; k < w.size(); ++k) {
            alive[k] = q[k] != 0 ? 1.0f : 0.0f;
            w[k]     = q[k] != 0 ? w[k] : 0.0f;
        }
    }
}

double Trainer::run_epoch(const std::function<bool(const Progress&)>& after_step) {
    const Recipe& recipe    = options_.recipe;
    int64_t       per_epoch = steps_per_epoch();
    bool          is_frozen = recipe.method == Recipe::Method::straight_through && epoch_ >= first_frozen_epoch();
    int64_t       start     = round_.first * per_epoch;  // of the coefficient's rise
    double        ramp      = recipe.ramp_share * static_cast<double>(epochs() * per_epoch - start);
    Schedule      schedule{.kind = recipe.schedule, .peak = recipe.rate, .steps = recipe.epochs * per_epoch};
    if (step_ == 0) {
        total_ = 0;
        begin_epoch();
    }
    loader_->start_epoch(epoch_, step_);
    Batch batch;
    bool  going = true;
    while (going && loader_->next(batch)) {
        int64_t at    = epoch_ * per_epoch + step_;
        double  past  = static_cast<double>(at - start);
        float   share = ramp > 0 ? static_cast<float>(std::clamp(past / ramp, 0.0, 1.0)) : 1.0f;
        float   full  = round_.entropy * share;
        float   rate  = schedule.rate(at - round_.first * per_epoch);
        if (regularizer_ && step_ % (is_frozen ? per_epoch : recipe.refresh) == 0) {  // frozen: only to tell
            refresh();
        }
        Array rate_value = scalar(rate), coefficient = scalar(is_frozen ? 0 : full), pull = scalar(recipe.level_pull),
              step_rate = scalar(rate * recipe.step_rate),
              decay     = scalar(at < pruning_epochs() * per_epoch ? recipe.insensitive_decay : 0),
              number(Shape{}, std::vector<int32_t>{static_cast<int32_t>(at)});
        Array             mix = scalar(batch.share);
        std::vector<Feed> feeds{
            {images_, batch.images}, {labels_, batch.labels}, {rate_, rate_value}, {coefficient_, coefficient},
            {pull_, pull},           {step_rate_, step_rate}, {decay_, decay},     {number_, number}};
        if (recipe.mixup > 0) {
            feeds.push_back({other_labels_, batch.other_labels});
            feeds.push_back({share_, mix});
        }
        program_->run(feeds);
        double loss = program_->scalar(0);
        if (!std::isfinite(loss)) {
            fail(
                "train: the loss is {} at epoch {}, step {}; the run diverged: use a lower --rate, the last good state "
                "is kept",
                loss, epoch_ + 1, step_ + 1);
        }
        total_ += loss;
        ++step_;
        going = after_step({loss, bits_});
    }
    double mean = total_ / static_cast<double>(std::max<int64_t>(step_, 1));
    if (step_ == per_epoch) {
        ++epoch_;
        step_ = 0;
    }
    return mean;
}

void Trainer::refresh() {
    if (options_.recipe.regularizer.target == Target::coder) {
        bits_ = regularizer_->price(standing());
    } else {
        refresh_->run();
        bits_ = refresh_->scalar(0);
    }
}

/// Of the regularizer's weights.
std::vector<Standing> Trainer::standing() const {
    std::vector<std::vector<size_t>> orders;
    for (const Tensor& order : orders_) {
        std::span<const int32_t> values = value_of(order).values<int32_t>();
        orders.emplace_back(values.begin(), values.end());
    }
    const Parameters&     parameters = model_.parameters();
    std::vector<Standing> all        = standing_of(units_, orders, parameters.size()), result;
    for (const Tensor& weight : regularizer_->weights()) {
        auto parameter = std::ranges::find(parameters, weight, &Parameter::variable);
        result.push_back(std::move(all[static_cast<size_t>(parameter - parameters.begin())]));
    }
    return result;
}

Trainer::Entropy Trainer::entropy() {
    measure_->run();
    double  per_weight = regularizer_->per_weight();
    int64_t tuples     = tuple_count(hard_entropy_);
    return {.bits     = measure_->scalar(0) * per_weight,
            .bound    = std::log2(static_cast<double>(tuples)) * per_weight,
            .tuples   = tuples,
            .distinct = measure_->output(1).values<int64_t>()[0]};
}

Checkpoint Trainer::state() const {
    Checkpoint checkpoint;
    for (const Tensor& variable : state_) {
        checkpoint.arrays.push_back({variable.node().name, value_of(variable)});
    }
    for (size_t i = 0; teacher_ && i < teacher_->parameters().size(); ++i) {
        const Parameter& each = teacher_->parameters()[i];
        checkpoint.arrays.push_back({"teacher." + each.name, value_of(each.variable)});
    }
    checkpoint.metadata["model"]  = model_.source;
    checkpoint.metadata["recipe"] = options_.recipe.name;
    checkpoint.metadata["seed"]   = std::to_string(options_.seed);
    checkpoint.metadata["epoch"]  = std::to_string(epoch_);
    checkpoint.metadata["step"]   = std::to_string(step_);
    checkpoint.metadata["bits"]   = fmt::format("{}", bits_);
    checkpoint.metadata["total"]  = fmt::format("{}", total_);

    checkpoint.metadata["round_first"]   = std::to_string(round_.first);
    checkpoint.metadata["round_entropy"] = fmt::format("{}", round_.entropy);
    return checkpoint;
}

void Trainer::restore_variables(const Checkpoint& checkpoint) {
    std::map<std::string, Tensor> wanted;
    for (const Tensor& variable : state_) {
        wanted[variable.node().name] = variable;
    }
    for (size_t i = 0; teacher_ && i < teacher_->parameters().size(); ++i) {
        wanted["teacher." + teacher_->parameters()[i].name] = teacher_->parameters()[i].variable;
    }
    size_t found = 0;
    for (const auto& [name, array] : checkpoint.arrays) {
        auto variable = wanted.find(name);
        if (variable == wanted.end() || variable->second.type() != array.type()) {
            fail<DataError>(
                "resume: the checkpoint's tensor '{}' {} does not belong to this model and recipe; resume with the "
                "arguments of the interrupted run",
                name, array.type());
        }
        value_of(variable->second) = array;
        ++found;
    }
    if (found != wanted.size()) {
        fail<DataError>(
            "resume: the checkpoint holds {} of {} tensors; resume with the arguments of the interrupted run", found,
            wanted.size());
    }
}

void Trainer::prune_as_now(Checkpoint& earlier) const {
    auto values_in = [&](const Tensor& variable) {
        auto found = std::ranges::find(earlier.arrays, variable.node().name, &NamedArray::name);
        expect(found != earlier.arrays.end(), "prune: the earlier state has no '{}'", variable.node().name);
        return found->values.values<float>();
    };
    for (size_t i = 0; i < masked_.size(); ++i) {
        std::span<const float> alive = value_of(alive_[i]).values<float>();
        for (const Tensor& each : {masked_[i], alive_[i]}) {
            std::ranges::transform(values_in(each), alive, values_in(each).begin(), std::multiplies());
        }
    }
}

void Trainer::restore(const Checkpoint& checkpoint) {
    restore_variables(checkpoint);
    for (const Tensor& order : orders_) {
        std::span<const int32_t> units = value_of(order).values<int32_t>();
        std::vector<int32_t>     sorted(units.begin(), units.end()), all(units.size());
        std::iota(all.begin(), all.end(), 0);
        std::ranges::sort(sorted);
        if (sorted != all) {
            fail<DataError>("resume: the checkpoint's tensor '{}' is no order of {} units; start again with --force",
                            order.node().name, all.size());
        }
    }
    auto metadata = [&](const char* key) -> std::string {
        auto entry = checkpoint.metadata.find(key);
        if (entry == checkpoint.metadata.end()) {
            fail<DataError>("resume: the checkpoint has no '{}'; it was not written by a training run", key);
        }
        return entry->second;
    };
    try {
        epoch_ = std::stoll(metadata("epoch"));
        step_  = std::stoll(metadata("step"));
        bits_  = std::stod(metadata("bits"));
        total_ = std::stod(metadata("total"));
        // By way of double: std::stof refuses the smallest numbers.
        round_ = {.first   = std::stoll(metadata("round_first")),
                  .entropy = static_cast<float>(std::stod(metadata("round_entropy")))};
    } catch (const std::logic_error&) {
        fail<DataError>("resume: the checkpoint does not say where its run stood; start again with --force");
    }
}

}  // namespace hemp
