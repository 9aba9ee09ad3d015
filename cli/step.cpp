#include "cli/step.h"

#include "core/ops/cross_entropy.h"
#include "core/random.h"
#include "optim/sgd.h"

namespace hemp {
namespace {

int64_t usual_batch(const Shape& image) {
    int64_t pixels = image[1] * image[2];
    return pixels < 32 * 32 ? 100 : pixels <= 64 * 64 ? 128 : 16;
}

}  // namespace

Step::Step(const Model& model, const StepOptions& options)
    : batch_(options.batch > 0 ? options.batch : usual_batch(model.image)),
      image_input_(input("images", {batch_, model.image[0], model.image[1], model.image[2]}, DType::u8)),
      label_input_(input("labels", {batch_}, DType::i32)),
      rate_input_(input("rate", {})),
      program_([&] {
          Pass   pass{.training = options.train, .step = constant(Array(Shape{}, std::vector<int32_t>{0}))};
          Tensor logits = model(image_input_, pass);
          if (options.train) {
              Tensor loss = cross_entropy(logits, label_input_);
              outputs_    = {loss};
              updates_ =
                  sgd(grad(loss, model.trained()), {.rate = rate_input_, .momentum = 0.9f, .weight_decay = 5e-4f});
              updates_.insert(updates_.end(), pass.updates.begin(), pass.updates.end());
          } else {
              outputs_ = {logits};
          }
          return compile(outputs_, updates_, {.max_memory = options.max_memory, .frozen = !options.train});
      }()),
      images_(image_input_.node().type),
      labels_(label_input_.node().type),
      rate_(Type{{}}) {
    Random random(1, 0);
    for (size_t i = 0; i < images_.bytes(); ++i) {
        images_.values<uint8_t>()[i] = static_cast<uint8_t>(random.below(256, i));
    }
    for (size_t i = 0; i < static_cast<size_t>(batch_); ++i) {
        labels_.values<int32_t>()[i] = static_cast<int32_t>(i % static_cast<size_t>(model.classes));
    }
    rate_.values<float>()[0] = 1e-4f;
}

std::vector<Feed> Step::feeds() const {
    if (updates_.empty()) {
        return {{image_input_, images_}};
    }
    return {{image_input_, images_}, {label_input_, labels_}, {rate_input_, rate_}};
}

}  // namespace hemp
