#include "layers/layer.h"

#include "core/ops/reshape.h"

namespace hemp {

Layer sequential(std::vector<Layer> layers) {
    Parameters parameters;
    for (const Layer& layer : layers) {
        parameters.insert(parameters.end(), layer.parameters.begin(), layer.parameters.end());
    }
    return {parameters, [layers = std::move(layers)](const Tensor& x, Pass& pass) {
                Tensor result = x;
                for (const Layer& layer : layers) {
                    result = layer.forward(result, pass);
                }
                return result;
            }};
}

Layer activation(Tensor (*function)(const Tensor&)) {
    return {.forward = [function](const Tensor& x, Pass&) { return function(x); }};
}

Layer flatten() {
    return {.forward = [](const Tensor& x, Pass&) { return reshape(x, std::vector<int64_t>{x.shape()[0], -1}); }};
}

}  // namespace hemp
