#pragma once

#include "core/grad.h"

namespace hemp {

/// Gradients scaled so that their common Euclidean norm is at most `max_norm` (Pascanu, Mikolov, Bengio, "On the
/// difficulty of training recurrent neural networks", 2013, algorithm 1).
Gradients clip_by_norm(const Gradients& gradients, float max_norm);

}  // namespace hemp
