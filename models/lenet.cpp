#include "models/lenet.h"

#include "core/ops/relu.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pooling.h"

namespace hemp::models {
namespace {

Model on_mnist(const char* name, int64_t classes, Layer network) {
    return {.name      = name,
            .image     = {1, 28, 28},
            .classes   = classes,
            .mean      = {0.1307f},
            .deviation = {0.3081f},
            .network   = std::move(network)};
}

}  // namespace

Model lenet300(uint64_t seed, int64_t classes) {
    return on_mnist("lenet300", classes,
                    sequential({
                        flatten(),
                        linear("fc1", 784, 300, {.seed = seed}),
                        activation(relu),
                        linear("fc2", 300, 100, {.seed = seed}),
                        activation(relu),
                        linear("fc3", 100, classes, {.seed = seed}),
                    }));
}

Model lenet5(uint64_t seed, int64_t classes) {
    return on_mnist("lenet5", classes,
                    sequential({
                        conv("conv1", 1, 20, 5, {.seed = seed}),
                        max_pooling(),
                        conv("conv2", 20, 50, 5, {.seed = seed}),
                        max_pooling(),
                        flatten(),
                        linear("fc1", 800, 500, {.seed = seed}),
                        activation(relu),
                        linear("fc2", 500, classes, {.seed = seed}),
                    }));
}

}  // namespace hemp::models
