#include "core/ops/argmax.h"

#include "core/operator.h"

#include <algorithm>

namespace hemp {
namespace {

Type infer(const Node& node) {
    const Type& x = node.inputs[0].type();
    expect(x.dtype == DType::f32, "argmax: x has elements of type {}; it needs f32 (use cast)", name_of(x.dtype));
    expect(x.shape.rank() >= 1 && x.shape[-1] >= 1, "argmax: x has shape {}; it needs a last axis that is not empty",
           x.shape);
    return {Shape(x.shape.lengths().first(static_cast<size_t>(x.shape.rank() - 1))), DType::i32};
}

Work work(const Node& node) {
    int64_t columns = node.inputs[0].shape()[-1];
    int64_t rows    = node.type.shape.size();
    int64_t pieces  = std::clamp<int64_t>(rows * columns / 4096, 1, std::clamp<int64_t>(rows, 1, 32));
    return {.stages = {{pieces, [=](const Buffers& memory, int64_t piece) {
                            for (int64_t row = rows * piece / pieces; row < rows * (piece + 1) / pieces; ++row) {
                                const float* x     = memory.input<float>(0) + row * columns;
                                int32_t      place = 0;
                                for (int32_t i = 1; i < columns; ++i) {
                                    bool larger = !(x[i] <= x[place]) && x[place] == x[place];
                                    place       = larger ? i : place;
                                }
                                memory.out<int32_t>()[row] = place;
                            }
                        }}}};
}

const Operator argmax_operator{.name = "argmax", .infer = infer, .work = work};

}  // namespace

Tensor argmax(const Tensor& x) { return node(argmax_operator, {x}); }

}  // namespace hemp
