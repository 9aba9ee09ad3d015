#include "optim/clip.h"

#include "core/ops/add.h"
#include "core/ops/divide.h"
#include "core/ops/maximum.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/ops/sqrt.h"

namespace hemp {

Gradients clip_by_norm(const Gradients& gradients, float max_norm) {
    Tensor squares = constant(0.0f);
    for (const Gradient& each : gradients) {
        squares = squares + sum(each.gradient * each.gradient);
    }
    Tensor    scale = max_norm / maximum(sqrt(squares), constant(max_norm));
    Gradients clipped;
    for (const Gradient& each : gradients) {
        clipped.push_back({each.variable, each.gradient * scale});
    }
    return clipped;
}

}  // namespace hemp
