#include "core/ops/batch_norm.h"

#include "core/ops/add.h"
#include "core/ops/divide.h"
#include "core/ops/moments.h"
#include "core/ops/normalise.h"
#include "core/ops/reshape.h"
#include "core/ops/slice.h"
#include "core/ops/sqrt.h"

// Compositions: applying the statistics is elementwise and fuses with its neighbours, the statistics end chains.
namespace hemp {
namespace {

/// A value a channel, shaped so that it broadcasts over x.
Tensor per_channel(const Tensor& value, const Tensor& x, std::string_view name) {
    expect(x.shape().rank() == 2 || x.shape().rank() == 4,
           "batch_norm: x has shape {}; it needs two axes (batch, channels) or four (images, channels, rows, columns)",
           x.shape());
    expect(value.shape() == Shape{x.shape()[1]}, "batch_norm: {} has shape {}, but x {} has {} channels", name,
           value.shape(), x.shape(), x.shape()[1]);
    return x.shape().rank() == 2 ? value : reshape(value, Shape{x.shape()[1], 1, 1});
}

}  // namespace

BatchNorm batch_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, float epsilon) {
    Tensor gain   = per_channel(scale, x, "scale");
    Tensor offset = per_channel(shift, x, "shift");
    expect(x.shape().size() > 0, "batch_norm: x {} is empty, and nothing has no mean", x.type());
    Tensor statistics = moments(x);
    Tensor mean       = row(statistics, 0, scale.shape());
    Tensor variance   = row(statistics, 1, scale.shape());
    Tensor spread     = sqrt(per_channel(variance, x, "variance") + epsilon);
    return {normalise(x, per_channel(mean, x, "mean"), gain / spread, offset), mean, variance};
}

Tensor batch_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, const Tensor& mean, const Tensor& variance,
                  float epsilon) {
    Tensor spread = sqrt(per_channel(variance, x, "variance") + epsilon);
    return normalise(x, per_channel(mean, x, "mean"), per_channel(scale, x, "scale") / spread,
                     per_channel(shift, x, "shift"));
}

}  // namespace hemp
