#pragma once
// What every elementwise operator shares: a kernel that maps a function over a tile, and the rules of broadcasting.
// An elementwise operator gives its formula for one vector; chains of them are fused by the planner.

#include "core/kernels/dispatch.h"
#include "core/operator.h"

#include <utility>

namespace hemp {

/// Maps `Function::apply<V>(x...)` over f32 operands. The tail goes through a padded vector: same bits as the rest.
template <class Function, int operands>
struct Map {
    template <class V>
    HEMP_INLINE static void run(const void* const* inputs, void* output, int64_t count) {
        float*       y = static_cast<float*>(output);
        const float* x[operands];  // a copy: as far as the compiler knows, a store to y could change `inputs`
        for (int k = 0; k < operands; ++k) {
            x[k] = static_cast<const float*>(inputs[k]);
        }
        int64_t i = 0;
#pragma GCC unroll 4
        for (; i + V::width <= count; i += V::width) {
            V::store(y + i, apply<V>(x, i, std::make_integer_sequence<int, operands>()));
        }
        if (i < count) {
            float  tails[operands][V::width] = {};
            size_t bytes                     = static_cast<size_t>(count - i) * sizeof(float);
            for (int k = 0; k < operands; ++k) {
                std::memcpy(tails[k], x[k] + i, bytes);
                x[k] = tails[k];
            }
            float result[V::width];
            V::store(result, apply<V>(x, 0, std::make_integer_sequence<int, operands>()));
            std::memcpy(y + i, result, bytes);
        }
    }

 private:
    template <class V, int... k>
    HEMP_INLINE static typename V::Float apply(const float* const (&x)[operands], int64_t i,
                                               std::integer_sequence<int, k...>) {
        return Function::template apply<V>(V::load(x[k] + i)...);
    }
};

/// Descriptor field `tile` of an operator that computes `Function` on f32 operands.
template <class Function, int operands>
TileFunction map_tile(const Node&) {
    return kernel<Map<Function, operands>, void(const void* const*, void*, int64_t)>();
}

/// Descriptor field `infer`: all operands f32, shapes broadcast.
Type infer_elementwise(const Node& node);

/// The number that an f32 operand is everywhere, where the graph alone tells.
std::optional<float> fixed_number(const Tensor& operand);

/// Sums `dy` over the axes along which an operand of the given shape was repeated.
Tensor sum_to(const Tensor& dy, const Shape& shape);

}  // namespace hemp
