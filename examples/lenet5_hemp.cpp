// LeNet-5 learns digits, then learns them again with the entropy of its quantized weights as a part of the loss: seven
// levels a tensor, and few bits a weight; what comes of it is written as a .hemp file holds it, and read back. Usage:
// lenet5_hemp [FOLDER], a folder in MNIST's layout.

#include "core/grad.h"
#include "core/ops/argmax.h"
#include "core/ops/cross_entropy.h"
#include "datasets/loader.h"
#include "examples/accuracy.h"
#include "hemp/package.h"
#include "hemp/regularizer.h"
#include "models/lenet.h"
#include "optim/adam.h"
#include "optim/schedule.h"

#include <fmt/core.h>

#include <algorithm>

using namespace hemp;

namespace {

constexpr int64_t batch_size = 100;

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
    Pass    plain;
    Program classify = compile({argmax(net(images, plain))});
    double  before   = accuracy(classify, images, test);

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
    fmt::print("entropy of fresh levels: {:.1f} bits a weight\n", refresh.scalar(0));
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
    fmt::print("entropy after training: {:.1f} bits a weight\n", refresh.scalar(0));

    // snippet: file
    std::vector<std::byte> file = encode(package(net, &hemp), model_spec);  // what lenet5.hemp holds
    load(net, decode(file, "lenet5.hemp", model_spec), "lenet5.hemp");
    // end of snippet
    fmt::print("in the file: {:.1f} bits a weight\n",
               8 * static_cast<double>(file.size()) / static_cast<double>(parameter_count(net)));
    fmt::print("test images right: float {} %, from the file {} %\n", static_cast<int>(before),
               static_cast<int>(accuracy(classify, images, test)));
}

// Prints:
// entropy of fresh levels: 1.4 bits a weight
// entropy after training: 0.9 bits a weight
// in the file: 0.7 bits a weight
// test images right: float 97 %, from the file 99 %
