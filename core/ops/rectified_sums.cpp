#include "core/ops/rectified_sums.h"

#include "core/kernels/rectified_sums.h"
#include "core/operator.h"
#include "core/ops/add.h"
#include "core/ops/alongside.h"
#include "core/ops/channel_blocks.h"
#include "core/ops/multiply.h"
#include "core/ops/negate.h"
#include "core/ops/relu.h"
#include "core/ops/slice.h"
#include "core/ops/subtract.h"

#include <algorithm>

// With a mask m from y, the gradient of batch norm needs sum(m dy) and sum(m dy (x - centre)). As a chain of
// elementwise operators and two reductions they cost a walk over dy and x of their own, and five operators a tile; here
// both are taken in one loop, behind the step that writes dy where there is one.
namespace hemp {
namespace {

constexpr int64_t lanes = channel_block;

ChannelImages geometry(const Node& node) { return {node.inputs[1].shape(), node.integer("channels")}; }

Type infer(const Node& node) {
    const Type& dy       = node.inputs[0].type();
    const Type& x        = node.inputs[1].type();
    int64_t     channels = node.integer("channels");
    expect(ChannelImages::fits(x.shape, channels) && x.dtype == DType::f32 && dy == x,
           "{}: dy is {} and x is {}; they need the same four axes (images, channels, rows, columns) of f32",
           node.op->name, dy, x);
    Shape each = x.shape.rank() == 4 ? Shape{channels, 1, 1} : Shape{1, x.shape[1], 1, 1, lanes};
    for (size_t i = 2; i < 5; ++i) {
        expect(node.inputs[i].shape() == each && node.inputs[i].dtype() == DType::f32,
               "{}: centre, gain and offset need a value a channel, f32 {}, not {}", node.op->name, each,
               node.inputs[i].type());
    }
    return {{2, channels}};
}

/// Of operands in planes: those in blocks are the planner's.
Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Node&    node = y.node();
    const Tensors& in   = node.inputs;
    const Tensor & x = in[1], &centre = in[2];
    Tensor         of_sums = row(dy, 0, centre.shape()), of_products = row(dy, 1, centre.shape());
    auto           through = [&](const Tensor& tensor) {
        return node.integer("six") != 0 ? normalised_relu6_gradient(x, centre, in[3], in[4], tensor)
                                                  : normalised_relu_gradient(x, centre, in[3], in[4], tensor);
    };
    return {through(of_sums + (x - centre) * of_products), through(in[0]) * of_products,
            -(row(y, 0, centre.shape()) * of_products), Tensor(), Tensor()};
}

/// Where a step finds the operands, and puts the result.
struct Places {
    size_t x, centre, y;  ///< gain and offset follow centre
    bool   written;       ///< dy is the step's first output, not its first input

    Normalisation of_block(const Buffers& memory, int64_t block) const {
        return Normalisation{.centre = memory.input<float>(centre),
                             .gain   = memory.input<float>(centre + 1),
                             .offset = memory.input<float>(centre + 2)}
            .from_block(block);
    }
};

void write(const ChannelImages& g, int64_t channel, double dy, double products, float* y) {
    y[channel]              = static_cast<float>(dy);
    y[g.channels + channel] = static_cast<float>(products);
}

Work with_sums(Work work, const Node& node, const Places& places) {
    ChannelImages g   = geometry(node);
    AddRectified* add = add_rectified(node.integer("six") != 0);
    return gathering<RectifiedSums>(
        std::move(work), g.blocks(),
        [=](const Buffers& memory, int64_t block, int64_t first, int64_t pixels, RectifiedSums& record) {
            const float* dy = places.written ? memory.out<float>(0) : memory.input<float>(0);
            add(dy + first, memory.input<float>(places.x) + first, pixels, places.of_block(memory, block), record);
        },
        [=](const Buffers& memory, int64_t block, const auto& for_each_record) {
            RectifiedSums total;
            for_each_record([&](const RectifiedSums& record) {
                for (int64_t lane = 0; lane < lanes; ++lane) {
                    total.dy[lane] += record.dy[lane];
                    total.products[lane] += record.products[lane];
                }
            });
            for (int64_t lane = 0; lane < std::min(lanes, g.channels - block * lanes); ++lane) {
                write(g, block * lanes + lane, total.dy[lane], total.products[lane], memory.out<float>(places.y));
            }
        });
}

/// A channel at a time: 16 pixels of a plane side by side, the last ones beside zeros.
Stage planes_stage(const ChannelImages& g, bool six) {
    AddRectified* add = add_rectified(six);
    return {g.channels, [=](const Buffers& memory, int64_t channel) {
                float values[3][lanes];  // centre, gain, offset
                for (size_t i = 0; i < 3; ++i) {
                    std::fill_n(values[i], lanes, memory.input<float>(2 + i)[channel]);
                }
                Normalisation normalisation{.centre = values[0], .gain = values[1], .offset = values[2]};
                RectifiedSums sums;
                int64_t       rest = g.area % lanes;
                for (int64_t image = 0; image < g.images; ++image) {
                    int64_t      at = (image * g.channels + channel) * g.area;
                    const float *dy = memory.input<float>(0) + at, *x = memory.input<float>(1) + at;
                    add(dy, x, g.area / lanes, normalisation, sums);
                    if (rest > 0) {
                        float last_dy[lanes] = {}, last_x[lanes] = {};
                        std::copy_n(dy + g.area - rest, rest, last_dy);
                        std::copy_n(x + g.area - rest, rest, last_x);
                        add(last_dy, last_x, 1, normalisation, sums);
                    }
                }
                for (int64_t lane = 1; lane < lanes; ++lane) {
                    sums.dy[0] += sums.dy[lane];
                    sums.products[0] += sums.products[lane];
                }
                write(g, channel, sums.dy[0], sums.products[0], memory.out<float>());
            }};
}

Work work(const Node& node) {
    ChannelImages g = geometry(node);
    if (!g.in_blocks) {
        return {.stages = {planes_stage(g, node.integer("six") != 0)}};
    }
    return settled(with_sums({.stages = {reading_stage(g.images, g.blocks(), g.area)}}, node,
                             {.x = 1, .centre = 2, .y = 0, .written = false}));
}

Work work_along(const Node& node, Work work, const Alongside& place) {
    return with_sums(std::move(work), node,
                     {.x = place.others, .centre = place.others + 1, .y = place.result, .written = true});
}

/// Where dy or x is: the gradient to x needs both in one form.
Tensor on_blocks(const Node& node, BlockedOperands& operands) {
    if (!operands.in_blocks(0) && !operands.in_blocks(1)) {
        return {};
    }
    return hemp::node(*node.op,
                      {operands.blocks(0), operands.blocks(1), operands.per_channel(2), operands.per_channel(3),
                       operands.per_channel(4)},
                      node.attributes);
}

const Operator rectified_sums_operator{
    .name       = "rectified_sums",
    .infer      = infer,
    .gradient   = gradient,
    .work       = work,
    .work_along = work_along,
    .on_blocks  = on_blocks,
    .cost =
        [](const Node& node) {
            const Type& x = node.inputs[1].type();
            return Cost{.flop  = 8 * static_cast<double>(x.shape.size()),
                        .bytes = static_cast<double>(2 * x.bytes() + node.type.bytes())};
        },
};

}  // namespace

Tensor rectified_sums(const Tensor& dy, const Tensor& x, const Tensor& centre, const Tensor& gain, const Tensor& offset,
                      bool six) {
    int64_t channels = x.shape().rank() == 4 ? x.shape()[1] : 0;
    return node(rectified_sums_operator, {dy, x, centre, gain, offset},
                {{"channels", channels}, {"six", int64_t{six}}});
}

}  // namespace hemp
