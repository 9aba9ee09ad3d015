#include "cli/trainer.h"
#include "cli/run_options.h"

#include "core/ops/cross_entropy.h"
#include "core/run/program.h"
#include "datasets/dataset.h"
#include "datasets/loader.h"
#include "hemp/quantizer.h"
#include "tests/arrays.h"
#include "tests/harness.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

TEST_CASE("a run that stops within an epoch goes on with the same bits, units in the order of that epoch's start") {
    Dataset digits = load_dataset("digits", Part::test, {});
    Recipe  coder  = recipe("hemp", "lenet300");
    coder.epochs   = 2;
    coder.batch    = 100;
    coder.refresh  = 4;
    coder.entropy  = 5;
    auto trained   = [&](int64_t stop_after) {
        Model   model = build_model("lenet300", 1);
        Trainer trainer(model, digits, {.recipe = coder, .trained = true});
        int64_t steps = 0;
        while (!trainer.done() && steps != stop_after) {
            trainer.run_epoch([&](const Trainer::Progress&) { return ++steps != stop_after; });
        }
        if (trainer.done()) {
            return trainer.state();
        }
        Model   other = build_model("lenet300", 1);
        Trainer next(other, digits, {.recipe = coder, .trained = true});
        next.restore(trainer.state());
        while (!next.done()) {
            next.run_epoch([](const Trainer::Progress&) { return true; });
        }
        return next.state();
    };
    Checkpoint whole = trained(-1), parts = trained(15);
    REQUIRE(whole.arrays.size() == parts.arrays.size());
    bool moved = false;
    for (size_t i = 0; i < whole.arrays.size(); ++i) {
        CAPTURE(whole.arrays[i].name);
        CHECK(same_bits(whole.arrays[i].values, parts.arrays[i].values));
        moved |= whole.arrays[i].name == "fc1.weight.order" &&
                 !std::ranges::is_sorted(whole.arrays[i].values.values<int32_t>());
    }
    CHECK(moved);

    SUBCASE("an order that names a unit twice is refused") {
        Model   model = build_model("lenet300", 1);
        Trainer trainer(model, digits, {.recipe = coder, .trained = true});
        for (NamedArray& each : whole.arrays) {
            if (each.name == "fc1.weight.order") {
                each.values.values<int32_t>()[0] = each.values.values<int32_t>()[1];
            }
        }
        CHECK_THROWS_WITH_AS(trainer.restore(whole),
                             "resume: the checkpoint's tensor 'fc1.weight.order' is no order of 300 units; start again "
                             "with --force",
                             DataError);
    }
}

TEST_CASE("batch norm's statistics are those of the network with quantized weights") {
    // All images in one batch and a rate that moves nothing: the running statistics come to those of that batch.
    Dataset           digits = load_dataset("digits", Part::test, {});
    constexpr int64_t count  = 60;
    Array             pixels(Type{{count, 1, 28, 28}, DType::u8});
    Array             labels(Type{{count}, DType::i32});
    for (int64_t i = 0; i < count; ++i) {
        std::span<const uint8_t> image = digits.images.bytes_of(i);
        std::ranges::copy(image, pixels.values<uint8_t>().begin() + i * 784);
        labels.values<int32_t>()[static_cast<size_t>(i)] = digits.labels.values<int32_t>()[static_cast<size_t>(i)];
    }
    Dataset few{.name = "few", .images = Images(pixels), .labels = labels, .classes = digits.classes, .skipped = {}};

    Model model = build_model(
        R"({"image":[1,28,28],"layers":[{"filters":4,"kernel":5,"type":"conv"},{"type":"batch_norm"},"relu",)"
        R"({"window":24,"type":"max_pool"},"flatten",{"outputs":10,"type":"linear"}],"mean":[0.13],"std":[0.3]})",
        1);
    Recipe hemp_recipe = recipe("hemp", model.name);

    hemp_recipe.epochs             = 150;
    hemp_recipe.batch              = count;
    hemp_recipe.rate               = 1e-12f;
    hemp_recipe.augmentation       = {};
    hemp_recipe.regularizer.levels = 3;
    Trainer trainer(model, few, {.recipe = hemp_recipe, .trained = true});
    while (!trainer.done()) {
        trainer.run_epoch([](const Trainer::Progress&) { return true; });
    }

    // The mean of each filter's results, in double, with the weights at their nearest levels.
    const Regularizer&     regularizer = *trainer.regularizer();
    std::span<const float> w           = value_of(parameter(model, "0.weight").variable).values<float>();
    std::vector<float>     q           = nearest(w, regularizer.level_values(0));
    std::span<const float> means       = value_of(parameter(model, "1.running_mean").variable).values<float>();
    double                 apart       = 0;  // of the means with float weights and with quantized ones
    for (int64_t filter = 0; filter < 4; ++filter) {
        CAPTURE(filter);
        double sum = 0, of_float = 0;
        for (int64_t i = 0; i < count * 24 * 24; ++i) {
            int64_t image = i / 576, y = i % 576 / 24, x = i % 24;
            for (int64_t k = 0; k < 25; ++k) {
                auto   at    = static_cast<size_t>(image * 784 + (y + k / 5) * 28 + x + k % 5);
                auto   place = static_cast<size_t>(filter * 25 + k);
                double value = (pixels.values<uint8_t>()[at] / 255.0 - 0.13) / 0.3;
                sum += value * static_cast<double>(q[place]);
                of_float += value * static_cast<double>(w[place]);
            }
        }
        double mean = sum / (count * 576.0), other = of_float / (count * 576.0);
        CHECK(static_cast<double>(means[static_cast<size_t>(filter)]) == doctest::Approx(mean).epsilon(1e-4));
        apart = std::max(apart, std::abs(mean - other));
    }
    CHECK(apart > 0.01);  // else the test tells nothing
}

TEST_CASE("the loss of mixed images is that of both labels, by their shares") {
    Dataset digits = load_dataset("digits", Part::test, {});
    Recipe  mixed{.name = "mixed", .epochs = 1, .batch = 50, .mixup = 1};
    Model   model = build_model("lenet300", 1);

    // What the first step sees, and its loss from two plain ones.
    Loader loader(digits, {.batch = 50, .height = 28, .width = 28, .seed = 1, .mixup = 1, .drop_last = true});
    loader.start_epoch(0);
    Batch batch;
    REQUIRE(loader.next(batch));
    REQUIRE(std::abs(batch.share - 0.5f) > 0.05f);
    Tensor  images = input("images", batch.images.shape(), DType::u8);
    Tensor  labels = input("labels", {50}, DType::i32), others = input("others", {50}, DType::i32);
    Pass    silent;
    Tensor  logits  = model(images, silent);
    Program program = compile({cross_entropy(logits, labels), cross_entropy(logits, others)});
    program.run({{images, batch.images}, {labels, batch.labels}, {others, batch.other_labels}});
    double share = static_cast<double>(batch.share), own = program.scalar(0), other = program.scalar(1);
    REQUIRE(std::abs(own - other) > 0.01);

    Trainer trainer(model, digits, {.recipe = mixed, .seed = 1});
    double  loss = 0;
    trainer.run_epoch([&](const Trainer::Progress& now) {
        loss = now.loss;
        return false;
    });
    CHECK(loss == doctest::Approx(share * own + (1 - share) * other).epsilon(1e-5));
}

TEST_CASE("a quantizer gives the levels that it is named after") {
    auto levels = [](const std::string& quantizer, int count) {
        Recipe  recipe = recipe_of({.recipe = "hemp", .quantizer = quantizer, .levels = count}, "lenet300");
        Tensors weights{build_model("lenet300", 1).trained()[0]};
        return Regularizer(weights, recipe.regularizer).level_values(0);
    };
    std::vector<float> uniform = levels("uniform", 5), ternary = levels("ternary", 0);
    std::vector<float> powers = levels("power-of-two", 5), fitted = levels("lloyd-max", 5);
    REQUIRE(uniform.size() == 5);
    CHECK(uniform[4] == 2 * uniform[3]);
    CHECK(levels("", 5) == uniform);

    REQUIRE(ternary.size() == 3);
    CHECK(ternary[0] == -ternary[2]);
    CHECK(ternary[1] == 0);

    REQUIRE(powers.size() == 5);
    CHECK(powers[4] == 2 * powers[3]);
    CHECK(std::log2(powers[4]) == std::round(std::log2(powers[4])));

    REQUIRE(fitted.size() == 5);
    CHECK(fitted != uniform);
    for (const std::vector<float>& each : {uniform, ternary, powers, fitted}) {
        CHECK(std::ranges::count(each, 0.0f) == 1);
    }
}
