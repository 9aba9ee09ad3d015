#include "cli/evaluate.h"

#include "core/join.h"
#include "core/ops/argmax.h"
#include "core/ops/negate.h"
#include "core/ops/one_hot.h"
#include "core/ops/reduce.h"
#include "core/ops/select.h"
#include "core/ops/softmax.h"
#include "datasets/loader.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

namespace hemp {
namespace {

Program inference(const Model& model, const Tensor& images, const Tensor& labels, bool frozen, size_t max_memory) {
    Pass   pass;
    Tensor logits = model(images, pass);
    Tensor losses = sum(select(one_hot(labels, model.classes), -log_softmax(logits), constant(0.0f)), {.axes = {1}});
    return compile({argmax(logits), losses, softmax(logits)}, {}, {.max_memory = max_memory, .frozen = frozen});
}

}  // namespace

void check_fits(const Dataset& data, const Model& model, const std::vector<std::string>& classes, bool fresh) {
    Shape image(data.images.shape().lengths().subspan(1));
    if (image[0] != model.image[0] || static_cast<int64_t>(data.classes.size()) > model.classes) {
        std::string other = fmt::format("{}:{}", model.source.substr(0, model.source.find(':')), data.classes.size());
        bool        helps = fresh && image[0] == model.image[0] && is_model_name(other);
        fail<UsageError>("{}: the images are {} in {} classes, but {} takes {} in {}; use {}", data.name, image,
                         data.classes.size(), model.name, model.image, model.classes,
                         helps ? other + ", which has as many" : "another model or data set");
    }
    if (!classes.empty() && classes != data.classes) {
        fail<UsageError>(
            "{}: the classes are {}, but {} was trained on {}; labels would mean something else: use data with the "
            "same classes",
            data.name, join(data.classes), model.name, join(classes));
    }
}

int64_t evaluation_batch(const Model& model) {
    // Small images: as many as usual batches of training have, beside whose program it lies in memory.
    constexpr int64_t most = 128, pixels = 500 * 32 * 32;
    return std::clamp<int64_t>(pixels / (model.image[1] * model.image[2]), 1, most);
}

Evaluator::Evaluator(const Model& model, int64_t batch, bool frozen, size_t max_memory)
    : batch_(batch),
      images_(input("images", {batch, model.image[0], model.image[1], model.image[2]}, DType::u8)),
      labels_(input("labels", {batch}, DType::i32)),
      program_(inference(model, images_, labels_, frozen, max_memory)) {}

Evaluation Evaluator::run(const Dataset& dataset, int loader_threads, const Seen& seen) {
    auto   start = std::chrono::steady_clock::now();
    Loader loader(dataset, {.batch   = batch_,
                            .height  = images_.shape()[2],
                            .width   = images_.shape()[3],
                            .shuffle = false,
                            .threads = loader_threads});
    loader.start_epoch(0);
    Batch      batch;
    Evaluation result;
    int64_t    right = 0;
    while (loader.next(batch)) {
        program_.run({{images_, batch.images}, {labels_, batch.labels}});
        for (size_t i = 0; i < static_cast<size_t>(batch.count); ++i) {
            right += program_.output(0).values<int32_t>()[i] == batch.labels.values<int32_t>()[i];
            result.loss += program_.output(1).values<float>()[i];
            if (seen) {
                std::span<const float> all     = program_.output(2).values<float>();
                size_t                 classes = all.size() / static_cast<size_t>(batch_);
                seen({result.images + static_cast<int64_t>(i), batch.labels.values<int32_t>()[i],
                      program_.output(0).values<int32_t>()[i], all.subspan(i * classes, classes)});
            }
        }
        result.images += batch.count;
    }
    result.accuracy = 100.0 * static_cast<double>(right) / static_cast<double>(result.images);
    result.loss /= static_cast<double>(result.images);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

const Array& Evaluator::probabilities(const Array& images) {
    Array labels(labels_.type());
    program_.run({{images_, images}, {labels_, labels}});
    return program_.output(2);
}

}  // namespace hemp
