#pragma once

#include "core/graph.h"

namespace hemp {

/// Q(w): every weight replaced by its nearest level, halfway between two by the lower. NaN stays NaN, so that a broken
/// weight is not hidden.
///   w         [..] f32
///   levels    [L] f32, 2 <= L <= 256, strictly increasing (see Quantizer)
///   returns   the shape of w, f32
///   gradient  to w: dy, as if Q were the identity (straight-through), outside the outermost levels too, since a
///             weight that left could not come back otherwise; to levels: the sum of dy over each level's weights
///   throws    ShapeError
///   source    Bengio, Léonard, Courville, "Estimating or propagating gradients through stochastic neurons", 2013
Tensor quantize(Tensor w, Tensor levels);

}  // namespace hemp
