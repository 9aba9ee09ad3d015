#pragma once

#include "core/graph.h"

namespace hemp {

/// The gradient to x of rectifier(normalise(x, centre, gain, offset)), of which centre and gain depend on x as batch
/// norm's do: m dy gain + (x - centre) slope + shift, where the mask m is 1 where the rectifier, relu or relu6, lets
/// its operand through, and slope and shift are what comes back from the variance and the mean. The planner makes it
/// of a product and sums; operands are f32 and broadcast; no gradient of its own. Convolutions' gradients can read dy
/// through it (Operator::reads_gradient).
Tensor normalise_gradient(const Tensor& dy, const Tensor& x, const Tensor& centre, const Tensor& gain,
                          const Tensor& offset, const Tensor& slope, const Tensor& shift, bool six);

}  // namespace hemp
