// Networks at their full widths, whose layers are cut into more and other pieces than those of shrunken ones.

#include "core/grad.h"
#include "core/ops/cross_entropy.h"
#include "core/run/program.h"
#include "models/model.h"
#include "optim/sgd.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/sanitized.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

struct Case {
    const char* model;
    int64_t     batch;
};

/// The loss of the second of two steps, and all variables after it.
std::vector<Array> after_two_steps(const Case& each, int threads) {
    Model  model  = build_model(each.model, 1);
    Shape  shape  = {each.batch, model.image[0], model.image[1], model.image[2]};
    Tensor images = input("images", shape, DType::u8), labels = input("labels", {each.batch}, DType::i32);
    Pass   pass{.training = true, .step = constant(Array(Shape{}, std::vector<int32_t>{0}))};
    Tensor loss  = cross_entropy(model(images, pass), labels);
    auto updates = sgd(grad(loss, model.trained()), {.rate = constant(0.01f), .momentum = 0.9f, .weight_decay = 5e-4f});
    updates.insert(updates.end(), pass.updates.begin(), pass.updates.end());
    Program program = compile({loss}, updates, {.threads = threads});
    Array   pixels  = random_array({shape, DType::u8, 0, 255}, 1);
    Array   classes = random_array({{each.batch}, DType::i32, 0, static_cast<double>(model.classes - 1)}, 2);
    for (int step = 0; step < 2; ++step) {
        program.run({{images, pixels}, {labels, classes}});
    }
    std::vector<Array> result{program.output(0)};
    for (const Update& update : updates) {
        result.push_back(value_of(update.variable));
    }
    return result;
}

}  // namespace

TEST_CASE("two training steps of a network give the same bits on 1, 2 and 3 threads") {
    if (sanitized) {
        MESSAGE("skipped: takes minutes under a sanitizer, which the shrunken networks do without");
        return;
    }
    for (const Case& each : {Case{"lenet5", 25},
                             {"resnet20", 32},
                             {"vgg16-cifar", 9},
                             {"mobilenetv2-cifar", 9},
                             {"resnet18", 3},
                             {"resnet50", 2}}) {
        CAPTURE(each.model);
        std::vector<Array> expected = after_two_steps(each, 1);
        for (int threads : {2, 3}) {
            CAPTURE(threads);
            CHECK(same_bits(after_two_steps(each, threads), expected));
        }
    }
}
