#include "core/ops/pack_filters.h"

#include "core/kernels/winograd.h"
#include "core/operator.h"
#include "core/ops/convolution.h"

#include <algorithm>

// Orders of a convolution's weights. No gradient: the planner packs after gradients are taken.
namespace hemp {
namespace {

constexpr int64_t lanes = 16;  // of filters

const Shape& weight_of(const Node& node) {
    expect_f32(node);
    const Shape& weight = node.inputs[0].shape();
    expect(weight.rank() == 4, "{}: weight has shape {}; it needs four axes (filters, channels, rows, columns)",
           node.op->name, weight);
    return weight;
}

Cost copy_cost(const Node& node) {
    return {.flop = 0, .bytes = static_cast<double>(node.type.bytes() + node.inputs[0].type().bytes())};
}

// --- in blocks

FilterPacking packing_of(const Node& node) {
    const Shape& weight = weight_of(node);
    return {weight[0], weight[1], weight[2] * weight[3], node.integer("lanes")};
}

Type infer(const Node& node) {
    FilterPacking p = packing_of(node);
    expect(p.lanes == 1 || p.lanes == lanes, "{}: {} lanes; channels lie in blocks of 1 or {}", node.op->name, p.lanes,
           lanes);
    return {Shape{p.blocks(), p.channel_blocks(), p.taps, p.lanes, lanes}};
}

Work work(const Node& node) {
    FilterPacking packing = packing_of(node);
    return {.stages = {{packing.blocks(), [=](const Buffers& memory, int64_t block) {
                            packing.run(memory.input<float>(0), block,
                                        memory.out<float>() + block * packing.block_floats());
                        }}}};
}

const Operator pack_filters_operator{.name = "pack_filters", .infer = infer, .work = work, .cost = copy_cost};

// --- at Winograd's points

/// Any image that has enough tiles for its weights to be prepared.
WinogradShape points_of(const Shape& weight) {
    WinogradShape shape{.images = weight[0], .channels = weight[1], .filters = weight[0], .height = 4, .width = 4};
    return shape;
}

Type points_infer(const Node& node) {
    const Shape& weight = weight_of(node);
    expect(weight[2] == 3 && weight[3] == 3, "{}: weight has shape {}; its kernel must be 3 x 3", node.op->name,
           weight);
    return {Shape{36, points_of(weight).prepared_floats() / 36}};
}

Work points_work(const Node& node) {
    const Winograd* kernels = &winograd();
    WinogradShape   shape   = points_of(node.inputs[0].shape());
    int64_t         floats  = shape.prepared_floats() / 36;
    Stage           transform{
        shape.prepare_pieces(), [=](const Buffers& memory, int64_t piece) {
            kernels->prepare(
                          shape,
                          {.x = nullptr, .weights = memory.input<float>(0), .rotated = false, .packed = false, .y = nullptr},
                          piece, memory.out<float>());
            if (piece == 0) {
                // Between points lies what no product reads.
                for (int64_t point = 0; point < 36; ++point) {
                    std::fill_n(memory.out<float>() + (point + 1) * floats - lanes, lanes, 0.0f);
                }
            }
        }};
    return {.stages = {transform}};
}

const Operator winograd_filters_operator{
    .name = "winograd_filters", .infer = points_infer, .work = points_work, .cost = copy_cost};

}  // namespace

void FilterPacking::run(const float* weight, int64_t block, float* to) const {
    int64_t count = std::min<int64_t>(16, filters - block * 16);
    weight += block * 16 * channels * taps;
    for (int64_t channel_block = 0; channel_block < channel_blocks(); ++channel_block) {
        for (int64_t tap = 0; tap < taps; ++tap) {
            for (int64_t lane = 0; lane < lanes; ++lane) {
                int64_t channel = channel_block * lanes + lane;
                int64_t real    = channel < channels ? count : 0;
                for (int64_t filter = 0; filter < real; ++filter) {
                    to[filter] = weight[(filter * channels + channel) * taps + tap];
                }
                std::fill_n(to + real, 16 - real, 0.0f);
                to += 16;
            }
        }
    }
}

Tensor pack_filters(const Tensor& weight, int64_t lanes_of_channels) {
    return node(pack_filters_operator, {weight}, {{"lanes", lanes_of_channels}});
}

Tensor winograd_filters(const Tensor& weight) { return node(winograd_filters_operator, {weight}); }

}  // namespace hemp
