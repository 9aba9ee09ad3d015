#include "layers/conv.h"

#include "core/ops/add.h"
#include "core/ops/reshape.h"

namespace hemp {

Layer conv(const std::string& name, int64_t channels, int64_t filters, int64_t kernel,
           const ConvLayerOptions& options) {
    Shape       shape{filters, channels / options.conv.groups, kernel, kernel};
    FirstValues first  = first_values(name, shape, options.initializer, options.seed);
    Tensor      weight = variable(name + ".weight", std::move(first.weight));
    Parameters  parameters{{name + ".weight", weight, Role::weight}};
    Tensor      bias;
    if (options.bias) {
        bias = variable(name + ".bias", std::move(first.bias));
        parameters.push_back({name + ".bias", bias, Role::bias});
    }
    return {parameters, [weight, bias, filters, geometry = options.conv](const Tensor& x, Pass&) {
                Tensor y = conv2d(x, weight, geometry);
                return bias ? y + reshape(bias, Shape{filters, 1, 1}) : y;
            }};
}

}  // namespace hemp
