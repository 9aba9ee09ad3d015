#pragma once

#include "core/operator.h"

namespace hemp {

/// A depthwise convolution of a convolution with a 1 x 1 kernel that is not written as a whole: a strip of it at a
/// time, of one block of channels, is computed where the depthwise convolution reads it. The planner puts these in the
/// place of depthwise_finished in programs that do not train.
///   depthwise  what depthwise_finished gives, its operand what conv2d_finished gives
///   returns    the same values, to the last bit; an empty tensor where the operand is none of that kind, has an
///   addend,
///              or too many of its rows would be computed twice
///   gradient   none: the planner makes these nodes after gradients are taken
Tensor expanded_depthwise(const Node& depthwise);

}  // namespace hemp
