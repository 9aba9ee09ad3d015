#include "layers/linear.h"

#include "core/ops/add.h"
#include "core/ops/matmul.h"

namespace hemp {

Layer linear(const std::string& name, int64_t inputs, int64_t outputs, const LinearOptions& options) {
    FirstValues first  = first_values(name, {outputs, inputs}, options.initializer, options.seed);
    Tensor      weight = variable(name + ".weight", std::move(first.weight));
    Parameters  parameters{{name + ".weight", weight, Role::weight}};
    Tensor      bias;
    if (options.bias) {
        bias = variable(name + ".bias", std::move(first.bias));
        parameters.push_back({name + ".bias", bias, Role::bias});
    }
    return {parameters, [weight, bias](const Tensor& x, Pass&) {
                Tensor y = matmul(x, weight, {.transpose_b = true});
                return bias ? y + bias : y;
            }};
}

}  // namespace hemp
