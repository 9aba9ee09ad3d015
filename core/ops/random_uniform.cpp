#include "core/ops/random_uniform.h"

#include "core/operator.h"
#include "core/random.h"

#include <algorithm>

// Random numbers without state. A piece begins at a whole block, and each block gives four numbers.
namespace hemp {
namespace {

Type infer(const Node& node) {
    const Type& step = node.inputs[0].type();
    expect(step.dtype == DType::i32 && step.shape.size() == 1, "random_uniform: the step is {}; it must be one i32",
           step);
    Shape shape(node.integers("shape"));
    expect(shape.size() <= int64_t{1} << 34, "random_uniform: shape {} has more than 2^34 elements", shape);
    return {shape};
}

Tensors gradient(const Tensor&, const Tensor&) { return {Tensor()}; }

Work work(const Node& node) {
    int64_t size   = node.type.shape.size();
    int64_t blocks = (size + 3) / 4;
    int64_t pieces = std::clamp<int64_t>(blocks / 1024, 1, 32);
    Random  random(static_cast<uint64_t>(node.integer("seed")), static_cast<uint64_t>(node.integer("stream")));
    return {.stages = {{pieces, [=](const Buffers& memory, int64_t piece) {
                            uint64_t first = uint64_t{static_cast<uint32_t>(memory.input<int32_t>(0)[0])} << 32;
                            for (int64_t block = blocks * piece / pieces; block < blocks * (piece + 1) / pieces;
                                 ++block) {
                                auto    words = random.block(first + static_cast<uint64_t>(block));
                                int64_t count = std::min<int64_t>(4, size - 4 * block);
                                for (int64_t i = 0; i < count; ++i) {
                                    memory.out<float>()[4 * block + i] =
                                        static_cast<float>(words[static_cast<size_t>(i)] >> 8) * 0x1p-24f;
                                }
                            }
                        }}}};
}

const Operator random_uniform_operator{.name = "random_uniform", .infer = infer, .gradient = gradient, .work = work};

}  // namespace

Tensor random_uniform(const Shape& shape, uint64_t seed, uint64_t stream, const Tensor& step) {
    return node(random_uniform_operator, {step},
                {{"shape", std::vector(shape.begin(), shape.end())},
                 {"seed", static_cast<int64_t>(seed)},
                 {"stream", static_cast<int64_t>(stream)}});
}

}  // namespace hemp
