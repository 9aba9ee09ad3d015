#include "core/ops/one_hot.h"

#include "core/ops/cast.h"
#include "core/ops/compare.h"
#include "core/ops/reshape.h"

#include <numeric>

namespace hemp {

Tensor one_hot(const Tensor& labels, int64_t classes) {
    expect(labels.dtype() != DType::f32, "one_hot: labels are f32; they must be i32 or u8");
    std::vector<float> numbers(static_cast<size_t>(classes));
    std::iota(numbers.begin(), numbers.end(), 0.0f);
    std::vector<int64_t> column(labels.shape().begin(), labels.shape().end());
    column.push_back(1);
    return equal(reshape(cast(labels, DType::f32), Shape(column)), constant(Array(Shape{classes}, numbers)));
}

}  // namespace hemp
