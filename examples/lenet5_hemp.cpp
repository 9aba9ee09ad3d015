// LeNet-5 learns digits, then learns them again with the entropy of its quantized weights as a part of the loss: seven
// levels a tensor, and few bits a weight. Usage: lenet5_hemp [FOLDER], a folder in MNIST's layout.

#include "cli/evaluate.h"
#include "core/grad.h"
#include "core/ops/cross_entropy.h"
#include "datasets/loader.h"
#include "hemp/quantizer.h"
#include "hemp/regularizer.h"
#include "models/lenet.h"
#include "optim/adam.h"
#include "optim/schedule.h"

#include <fmt/core.h>

#include <algorithm>

using namespace hemp;

namespace {

constexpr int64_t batch_size = 100;

/// Puts every regularized weight on its nearest level.
void quantize_weights(const Regularizer& hemp) {
    for (size_t i = 0; i < hemp.weights().size(); ++i) {
        std::span<float>   weights = value_of(hemp.weights()[i]).values<float>();
        std::vector<float> on      = nearest(weights, hemp.level_values(i));
        std::copy(on.begin(), on.end(), weights.begin());
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string source = argc > 1 ? argv[1] : "digits";
    Dataset     train  = load_dataset(source, Part::train);
    Dataset     test   = load_dataset(source, Part::test);
    Loader      loader(train, {.batch = batch_size, .seed = 1});
    Batch       batch;

    // snippet: network
    Tensor images      = input("images", {batch_size, 1, 28, 28}, DType::u8);
    Tensor labels      = input("labels", {batch_size}, DType::i32);
    Tensor rate        = input("rate", {});
    Tensor coefficient = input("coefficient", {});
    Model  net         = models::lenet5(1);
    Pass   pass{.training = true};
    Tensor loss = cross_entropy(net(images, pass), labels);
    // end of snippet

    // snippet: float
    constexpr int64_t epochs = 1;
    Program           step   = compile({loss}, adam(grad(loss, net.trained()), {.rate = rate}));
    Schedule schedule{.kind = Schedule::Kind::cosine, .peak = 1e-3f, .steps = epochs * loader.steps_per_epoch()};
    for (int64_t epoch = 0, steps = 0; epoch < epochs; ++epoch) {
        loader.start_epoch(epoch);
        for (; loader.next(batch); ++steps) {
            Array now(schedule.rate(steps));
            step.run({{images, batch.images}, {labels, batch.labels}, {rate, now}});
        }
    }
    // end of snippet
    Evaluator evaluator(net);
    double    before = evaluator.run(test).accuracy;

    // snippet: hemp
    Regularizer hemp(net.weights(), {.levels = 7});
    Tensor      quantized_loss = hemp.quantized(loss);  // forward pass on the nearest levels
    Gradients   grads          = hemp.penalized(grad(quantized_loss, net.trained()), coefficient);
    Program     finetune       = compile({quantized_loss}, adam(grads, {.rate = rate}));
    Program     refresh        = compile({hemp.bits()}, hemp.refresh());  // the entropy and its gradient

    constexpr int64_t hemp_epochs = 3;
    const int64_t     all_steps   = hemp_epochs * loader.steps_per_epoch();
    schedule.steps                = all_steps;
    refresh.run();
    fmt::print("fresh levels: {:.1f} bits a weight\n", refresh.scalar(0));
    for (int64_t epoch = 0, steps = 0; epoch < hemp_epochs; ++epoch) {
        loader.start_epoch(epoch);
        for (; loader.next(batch); ++steps) {
            if (steps % 10 == 0) {
                refresh.run();
            }
            // The coefficient rises for the first 60 % of the steps: the network first gets used to its levels.
            float share = std::min(1.0f, static_cast<float>(steps) / (0.6f * static_cast<float>(all_steps)));
            Array now(schedule.rate(steps)), weight(2.0f * share);
            finetune.run({{images, batch.images}, {labels, batch.labels}, {rate, now}, {coefficient, weight}});
        }
    }
    // end of snippet

    refresh.run();
    quantize_weights(hemp);
    double after = evaluator.run(test).accuracy;
    fmt::print("after training: {:.1f} bits a weight\n", refresh.scalar(0));
    fmt::print("test images right: float {} %, quantized {} %\n", static_cast<int>(before), static_cast<int>(after));
}

// Prints:
// fresh levels: 1.4 bits a weight
// after training: 0.9 bits a weight
// test images right: float 97 %, quantized 97 %
