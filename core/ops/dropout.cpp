#include "core/ops/dropout.h"

#include "core/ops/compare.h"
#include "core/ops/multiply.h"
#include "core/ops/random_uniform.h"
#include "core/ops/select.h"

namespace hemp {

Tensor dropout(const Tensor& x, float rate, uint64_t seed, uint64_t stream, const Tensor& step) {
    if (!(rate >= 0 && rate < 1)) {
        fail<UsageError>("dropout: the rate is {}; it must be at least 0 and below 1", rate);
    }
    Tensor kept = greater_equal(random_uniform(x.shape(), seed, stream, step), constant(rate));
    return select(kept, x * (1 / (1 - rate)), constant(0.0f));
}

}  // namespace hemp
