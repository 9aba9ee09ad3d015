#pragma once

#include "datasets/augment/draw.h"

#include <span>

namespace hemp {

/// How much of its own image each row of a batch keeps, in 256ths: a number from the distribution Beta(alpha, alpha)
/// (Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: beyond empirical risk minimization", 2018).
///   alpha     in (0, 1]
///   place     of the step: its index is the step's number within the epoch
int mixup_share(double alpha, const Place& place);

/// Mixes each row with its partner, the row as far from the end as it is from the start: kept / 256 of its own, the
/// rest of the other's, rounded. The order of a batch is random, so its pairs are, too.
///   pixels    rows, one after another
///   kept      0 to 256
void mix_rows(std::span<uint8_t> pixels, int64_t rows, int kept);

}  // namespace hemp
