#include "layers/batch_norm.h"

#include "core/ops/add.h"
#include "core/ops/batch_norm.h"
#include "core/ops/multiply.h"

#include <algorithm>

namespace hemp {

Layer batch_norm(const std::string& name, int64_t channels, const BatchNormOptions& options) {
    auto all = [&](float value) {
        return Array(Type{{channels}}, [value](std::span<float> values) { std::ranges::fill(values, value); });
    };
    Tensor     scale    = variable(name + ".weight", all(1));
    Tensor     shift    = variable(name + ".bias", all(0));
    Tensor     mean     = variable(name + ".running_mean", all(0));
    Tensor     variance = variable(name + ".running_var", all(1));
    Parameters parameters{{name + ".weight", scale, Role::scale},
                          {name + ".bias", shift, Role::shift},
                          {name + ".running_mean", mean, Role::running_mean},
                          {name + ".running_var", variance, Role::running_variance, options.epsilon}};
    return {parameters, [=](const Tensor& x, Pass& pass) {
                if (!pass.training) {
                    return batch_norm(x, scale, shift, mean, variance, options.epsilon);
                }
                BatchNorm batch = batch_norm(x, scale, shift, options.epsilon);
                float     count = static_cast<float>(x.shape().size() / channels);
                float     kept  = 1 - options.momentum;
                float     taken = options.momentum * count / std::max(count - 1, 1.0f);
                pass.updates.push_back({mean, mean * kept + batch.mean * options.momentum});
                pass.updates.push_back({variance, variance * kept + batch.variance * taken});
                return batch.y;
            }};
}

}  // namespace hemp
