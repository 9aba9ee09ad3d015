#pragma once
// One step of a model on a batch of noise: what `explain` shows and `bench` measures.

#include "core/run/program.h"
#include "models/model.h"

namespace hemp {

struct StepOptions {
    bool train = false;  ///< loss, gradients and SGD with momentum and decay; otherwise the logits, with frozen weights
    int64_t batch      = 0;  ///< images; 0: what is usual for their size, 100, 128 or 16
    size_t  max_memory = size_t{16} << 30;
};

class Step {
 public:
    Step(const Model& model, const StepOptions& options);

    void run() { program_.run(feeds()); }
    void profile() { program_.profile(feeds()); }

    int64_t        batch() const { return batch_; }
    const Tensors& outputs() const { return outputs_; }
    const Updates& updates() const { return updates_; }
    const Program& program() const { return program_; }
    size_t         input_bytes() const { return images_.bytes() + labels_.bytes() + rate_.bytes(); }

 private:
    std::vector<Feed> feeds() const;

    int64_t batch_;
    Tensor  image_input_, label_input_, rate_input_;
    Tensors outputs_;
    Updates updates_;
    Program program_;
    Array   images_, labels_, rate_;  ///< after the program, which refuses batches that are too large
};

}  // namespace hemp
