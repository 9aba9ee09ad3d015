#include "core/ops/softmax.h"

#include "core/kernels/dispatch.h"
#include "core/kernels/math.h"
#include "core/operator.h"
#include "core/ops/exp.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/ops/subtract.h"

#include <algorithm>

// Softmax and its logarithm. Subtracting the row's maximum changes no quotient and keeps exp() from overflowing.
// Gradients: the softmax's Jacobian is diag(y) - y y', so dx = y * (dy - sum(y * dy)): one sum a row, no C x C matrix;
// for the logarithm dx = dy - exp(y) * sum(dy).
// A node of its own: composed of max, subtract, exp, sum and divide it walks a short row five times, with a barrier
// each (bench/operators softmax shows both).
namespace hemp {
namespace {

Type infer(const Node& node) {
    const Type& x = node.inputs[0].type();
    expect(x.dtype == DType::f32, "{}: x has elements of type {}; it needs f32 (use cast)", node.op->name,
           name_of(x.dtype));
    expect(x.shape.rank() >= 1, "{}: x has shape {}; it needs at least one axis", node.op->name, x.shape);
    expect(x.shape[-1] >= 1, "{}: the last axis of {} is empty", node.op->name, x.shape);
    return x;
}

template <bool logarithm>
struct Rows {
    template <class V>
    HEMP_INLINE static void run(const float* x, float* y, int64_t rows, int64_t columns) {
        for (int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
            float top = x[0];
            for (int64_t i = 1; i < columns; ++i) {
                top = !(x[i] <= top) ? x[i] : top;
            }
            Sum16<V> sum;
            double   total = 0;
            float    part[16];
            for (int64_t i = 0; i < columns; i += 16) {
                int64_t count = std::min<int64_t>(16, columns - i);
                for (int64_t lane = 0; lane < 16; ++lane) {
                    // e^-infinity is 0: lanes beyond the row add nothing
                    part[lane] = lane < count ? x[i + lane] - top : -std::numeric_limits<float>::infinity();
                }
                for (int lane = 0; lane < 16; lane += V::width) {
                    V::store(part + lane, hemp::exp<V>(V::load(part + lane)));
                }
                sum.add(part);
                if (!logarithm) {
                    std::copy_n(part, count, y + i);
                }
            }
            total = sum.total();
            if (logarithm) {
                // The sum lies in [1, C]: its logarithm is taken in f32 like any other.
                float log_total[V::width];
                V::store(log_total, hemp::log<V>(V::all(static_cast<float>(total))));
                for (int64_t i = 0; i < columns; ++i) {
                    y[i] = (x[i] - top) - log_total[0];
                }
            } else {
                float scale = static_cast<float>(1 / total);
                for (int64_t i = 0; i < columns; ++i) {
                    y[i] *= scale;
                }
            }
        }
    }
};

template <bool logarithm>
Work work(const Node& node) {
    int64_t columns = node.type.shape[-1];
    int64_t rows    = node.type.shape.size() / columns;
    int64_t pieces  = std::clamp<int64_t>(rows * columns / 2048, 1, std::clamp<int64_t>(rows, 1, 32));
    auto    run     = kernel<Rows<logarithm>, void(const float*, float*, int64_t, int64_t)>();
    return {.stages = {{pieces, [=](const Buffers& memory, int64_t piece) {
                            int64_t first = rows * piece / pieces;
                            run(memory.input<float>(0) + first * columns, memory.out<float>() + first * columns,
                                rows * (piece + 1) / pieces - first, columns);
                        }}}};
}

Cost cost(const Node& node) {
    double size = static_cast<double>(node.type.shape.size());
    return {.flop = 5 * size, .bytes = 8 * size};
}

Tensors softmax_gradient(const Tensor& y, const Tensor& dy) {
    return {y * (dy - sum(y * dy, {.axes = {-1}, .keep = true}))};
}

Tensors log_softmax_gradient(const Tensor& y, const Tensor& dy) {
    return {dy - exp(y) * sum(dy, {.axes = {-1}, .keep = true})};
}

const Operator softmax_operator{.name     = "softmax",
                                .infer    = infer,
                                .gradient = softmax_gradient,
                                .work     = work<false>,
                                .in_place = {0},
                                .cost     = cost};
const Operator log_softmax_operator{.name     = "log_softmax",
                                    .infer    = infer,
                                    .gradient = log_softmax_gradient,
                                    .work     = work<true>,
                                    .in_place = {0},
                                    .cost     = cost};

}  // namespace

Tensor softmax(const Tensor& x) { return node(softmax_operator, {x}); }
Tensor log_softmax(const Tensor& x) { return node(log_softmax_operator, {x}); }

}  // namespace hemp
