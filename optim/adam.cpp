#include "optim/adam.h"

#include "core/ops/add.h"
#include "core/ops/divide.h"
#include "core/ops/multiply.h"
#include "core/ops/sqrt.h"
#include "core/ops/subtract.h"

namespace hemp {

Updates adam(const Gradients& gradients, const AdamOptions& options) {
    // beta^t as variables: a resumed run continues with the same bits, and no step number is needed.
    expect(!gradients.empty(), "adam: no gradients given");
    std::string first  = gradients[0].variable.node().name;
    Tensor      power1 = variable(first + ".beta1_power", Array(Shape{}, std::vector<float>{1}));
    Tensor      power2 = variable(first + ".beta2_power", Array(Shape{}, std::vector<float>{1}));
    Tensor      now1   = power1 * options.beta1;
    Tensor      now2   = power2 * options.beta2;
    Updates     updates{{power1, now1}, {power2, now2}};
    Tensor      rate       = options.rate / (1.0f - now1);
    Tensor      correction = 1.0f / sqrt(1.0f - now2);
    for (const auto& [w, gradient] : gradients) {
        Tensor g = gradient;
        if (options.weight_decay != 0 && !options.decoupled) {
            g = g + w * options.weight_decay;
        }
        Tensor mean       = variable(w.node().name + ".mean", Array(w.type()));
        Tensor square     = variable(w.node().name + ".square", Array(w.type()));
        Tensor new_mean   = mean * options.beta1 + g * (1 - options.beta1);
        Tensor new_square = square * options.beta2 + g * g * (1 - options.beta2);
        Tensor new_w      = w - rate * new_mean / (sqrt(new_square) * correction + options.epsilon);
        if (options.weight_decay != 0 && options.decoupled) {
            new_w = new_w - options.rate * options.weight_decay * w;
        }
        updates.push_back({mean, new_mean});
        updates.push_back({square, new_square});
        updates.push_back({w, new_w});
    }
    return updates;
}

}  // namespace hemp
