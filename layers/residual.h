#pragma once

#include "layers/layer.h"

namespace hemp {

/// branch(x) + shortcut(x) (He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, equation 1).
/// Without a shortcut, branch(x) + x.
Layer residual(Layer branch, Layer shortcut = {});

/// The shortcut without parameters of the same paper (option A): every `stride`-th row and column, and channels of
/// zeros before and after, half of them each, up to `filters`. Throws ShapeError when there are more channels already.
Layer subsample(int64_t stride, int64_t filters);

}  // namespace hemp
