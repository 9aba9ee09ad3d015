#include "layers/linear.h"

#include "core/ops/add.h"
#include "core/ops/matmul.h"
#include "layers/initialize.h"

#include <cmath>

namespace hemp {

Layer linear(const std::string& name, int64_t inputs, int64_t outputs, const LinearOptions& options) {
    Shape      shape{outputs, inputs};
    Tensor     weight = variable(name + ".weight", kaiming_uniform(shape, {options.seed, name + ".weight"}));
    Parameters parameters{{name + ".weight", weight, Role::weight}};
    Tensor     bias;
    if (options.bias) {
        float bound = 1 / std::sqrt(static_cast<float>(inputs));
        bias        = variable(name + ".bias", uniform({outputs}, bound, {options.seed, name + ".bias"}));
        parameters.push_back({name + ".bias", bias, Role::bias});
    }
    return {parameters, [weight, bias](const Tensor& x, Pass&) {
                Tensor y = matmul(x, weight, {.transpose_b = true});
                return bias ? y + bias : y;
            }};
}

}  // namespace hemp
