#pragma once

#include "core/run/program.h"
#include "datasets/dataset.h"
#include "models/model.h"

#include <functional>
#include <span>

namespace hemp {

struct Evaluation {
    double  accuracy = 0;  ///< top-1, percent
    double  loss     = 0;  ///< mean cross-entropy, nats
    double  seconds  = 0;
    int64_t images   = 0;
};

/// What a model says of one image.
struct Prediction {
    int64_t                image;  ///< its number in the data set
    int32_t                label;
    int32_t                best;           ///< class
    std::span<const float> probabilities;  ///< softmax, of all classes
};

/// Throws UsageError where the images have not the channels that the model takes (their size is made to fit), or where
/// their classes are not the model's.
///   classes  the model's, by name; empty: not known, then only their number is compared
///   fresh    the model is not trained yet: one with other classes would do as well
void check_fits(const Dataset& data, const Model& model, const std::vector<std::string>& classes = {},
                bool fresh = false);

/// Images to evaluate at once: 128 small ones, fewer large ones in as much memory.
int64_t evaluation_batch(const Model& model);

/// A model's inference program for batches of a fixed size; the last batch may be partly filled.
class Evaluator {
 public:
    ///   frozen  the model's weights stay as they are: faster
    ///   throws  Error when the program would take more than max_memory bytes
    explicit Evaluator(const Model& model, int64_t batch = 500, bool frozen = true,
                       size_t max_memory = CompileOptions{}.max_memory);

    /// Told of every image.
    using Seen = std::function<void(const Prediction&)>;

    Evaluation run(const Dataset& dataset, int loader_threads = 1, const Seen& seen = {});

    /// Softmax probabilities [batch, classes] of the images, u8 [batch, C, H, W].
    const Array& probabilities(const Array& images);

 private:
    int64_t batch_;
    Tensor  images_, labels_;
    Program program_;
};

}  // namespace hemp
