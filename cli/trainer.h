#pragma once

#include "cli/recipe.h"
#include "core/file/checkpoint.h"
#include "core/run/program.h"
#include "datasets/loader.h"
#include "hemp/hidden_units.h"
#include "models/model.h"

#include <functional>
#include <memory>
#include <optional>

namespace hemp {

struct TrainerOptions {
    Recipe                  recipe;
    uint64_t                seed           = 1;
    bool                    trained        = false;  ///< the model's weights are trained already: they are the teacher
    std::function<double()> held_out_loss  = {};     ///< of the model as it is; called by recipes with prune_tolerance
    size_t                  max_memory     = size_t{16} << 30;
    int                     loader_threads = 1;
};

/// Trains a model by a recipe. All state is in variables, so a checkpoint of them and the position is enough to
/// continue with the bits of an uninterrupted run.
class Trainer {
 public:
    Trainer(const Model& model, const Dataset& train, const TrainerOptions& options);

    /// The recipe's epochs, in which the coefficient of the entropy rises and, at the end, zeros freeze.
    struct Round {
        int64_t first   = 0;  ///< epoch
        float   entropy = 0;  ///< coefficient of the entropy, which it rises to
    };
    const Round& round() const { return round_; }  ///< at first the recipe's
    int64_t      epochs() const { return round_.first + options_.recipe.epochs; }
    int64_t      steps_per_epoch() const { return loader_->steps_per_epoch(); }
    int64_t      epoch() const { return epoch_; }  ///< of the next step
    int64_t      step() const { return step_; }    ///< of the next step, within its epoch
    bool         done() const { return epoch_ >= epochs(); }

    struct Progress {
        double loss = 0;  ///< of the last step
        double bits = 0;  ///< entropy in bits a weight at the last refresh; 0 without regularizer
    };

    /// As many epochs as the recipe has follow, with another coefficient.
    void start_round(float entropy);

    /// From this epoch of the round on zeros stay, and the coefficient is 0.
    int64_t first_frozen_epoch() const;

    /// Runs the rest of the epoch. `after_step` is called after each step; when it returns false, training stops there
    /// and can go on later. Returns the mean loss of the epoch's steps so far. Throws Error when the loss is no finite
    /// number; the variables then hold what diverged.
    double run_epoch(const std::function<bool(const Progress&)>& after_step);

    /// After so many epochs nothing more is pruned; 0 without pruning.
    int64_t pruning_epochs() const;

    /// All variables and the position. The model's own come first, under their names.
    Checkpoint state() const;
    /// Throws DataError when the checkpoint is not one of such a run.
    void restore(const Checkpoint& checkpoint);
    /// The same of the variables alone: the epoch and the round stay what they are.
    void restore_variables(const Checkpoint& checkpoint);
    /// In an earlier state, weights become zero, and stay it, that are pruned now.
    void prune_as_now(Checkpoint& earlier) const;

    /// Of the regularized weights' nearest levels as they are now, at the recipe's order.
    struct Entropy {
        double  bits     = 0;  ///< a weight
        double  bound    = 0;  ///< that many bits a weight at most, whatever the weights are: log2(tuples) / order
        int64_t tuples   = 0;
        int64_t distinct = 0;  ///< with more than a tenth of the tuples, the bits are too low by themselves
    };
    /// Needs a regularizer.
    Entropy entropy();

    const Regularizer* regularizer() const { return regularizer_ ? &*regularizer_ : nullptr; }

    /// Of the model, where there is a regularizer.
    const std::vector<HiddenUnits>& units() const { return units_; }

 private:
    int64_t first_pruned_epoch() const;  ///< before which the first weights are pruned

    void build();
    void begin_epoch();
    void refresh();
    void prune();
    void freeze_zeros();
    void arrange();

    std::vector<Standing> standing() const;

    const Model&               model_;
    TrainerOptions             options_;
    std::unique_ptr<Loader>    loader_;
    std::optional<Regularizer> regularizer_;
    std::vector<HiddenUnits>   units_;
    Tensors                    orders_;  // of the units, as they would stand in a file at the start of the epoch
    std::optional<Model>       teacher_;
    Tensors                    masked_;  // the tensors of weights of which some stay zero
    Tensors                    alive_;   // per such tensor: 1 where a weight may move
    Tensors                    state_;   // all variables, in a fixed order
    Tensor images_, labels_, other_labels_, share_, rate_, coefficient_, pull_, step_rate_, number_, decay_;
    Tensor hard_entropy_;
    std::optional<Program> program_, refresh_, measure_;
    Round                  round_;
    int64_t                epoch_ = 0;
    int64_t                step_  = 0;
    double                 bits_  = 0;
    double                 total_ = 0;  // of the losses of this epoch's steps
};

}  // namespace hemp
