#include "core/ops/channel_blocks.h"

#include "core/operator.h"

#include <algorithm>

// Copies between [N, C, H, W] and blocks of channels, a block of an image at a time.
namespace hemp {
namespace {

constexpr int64_t lanes = channel_block;

/// A stage that calls copy(plane of the block's first channel, block, channels in it) for each block of each image.
template <class Copy>
Work for_each_block(const Shape& planes, bool from_planes, Copy copy) {
    int64_t channels = planes[1], pixels = planes[2] * planes[3], blocks = blocks_of(channels);
    Stage   stage{planes[0] * blocks, [=](const Buffers& memory, int64_t piece) {
                    int64_t first = piece % blocks * lanes;
                    int64_t plane = (piece / blocks * channels + first) * pixels;
                    int64_t block = piece * lanes * pixels;
                    copy(memory.input<float>(0) + (from_planes ? plane : block),
                           memory.out<float>() + (from_planes ? block : plane), std::min(lanes, channels - first));
                }};
    return {.stages = {stage}};
}

Type block_infer(const Node& node) {
    const Type& x = node.inputs[0].type();
    expect(x.dtype == DType::f32, "block_channels: x has elements of type {}; it needs f32 (use cast)",
           name_of(x.dtype));
    expect(x.shape.rank() == 4, "block_channels: x has shape {}; it needs four axes (images, channels, rows, columns)",
           x.shape);
    return {blocked_shape(x.shape)};
}

Tensors block_gradient(const Tensor& y, const Tensor& dy) {
    return {unblock_channels(dy, y.node().inputs[0].shape()[1])};
}

Work block_work(const Node& node) {
    const Shape& planes = node.inputs[0].shape();
    int64_t      pixels = planes[2] * planes[3];
    return for_each_block(planes, true, [=](const float* plane, float* block, int64_t channels) {
        for (int64_t pixel = 0; pixel < pixels; ++pixel) {
            for (int64_t lane = 0; lane < lanes; ++lane) {
                block[pixel * lanes + lane] = lane < channels ? plane[lane * pixels + pixel] : 0.0f;
            }
        }
    });
}

Cost copy_cost(const Node& node) {
    return {.flop = 0, .bytes = static_cast<double>(node.type.bytes() + node.inputs[0].type().bytes())};
}

const Operator block_operator{
    .name = "block_channels", .infer = block_infer, .gradient = block_gradient, .work = block_work, .cost = copy_cost};

Type unblock_infer(const Node& node) {
    const Type& x        = node.inputs[0].type();
    int64_t     channels = node.integer("channels");
    expect(x.dtype == DType::f32, "unblock_channels: x has elements of type {}; it needs f32 (use cast)",
           name_of(x.dtype));
    expect(x.shape.rank() == 5 && x.shape[4] == lanes,
           "unblock_channels: x has shape {}; it needs five axes (images, blocks, rows, columns, {})", x.shape, lanes);
    expect(channels >= 0 && blocks_of(channels) == x.shape[1],
           "unblock_channels: x {} holds no {} channels in its blocks of {}", x.shape, channels, lanes);
    return {Shape{x.shape[0], channels, x.shape[2], x.shape[3]}};
}

Tensors unblock_gradient(const Tensor&, const Tensor& dy) { return {block_channels(dy)}; }

Work unblock_work(const Node& node) {
    int64_t pixels = node.type.shape[2] * node.type.shape[3];
    return for_each_block(node.type.shape, false, [=](const float* block, float* plane, int64_t channels) {
        for (int64_t lane = 0; lane < channels; ++lane) {
            for (int64_t pixel = 0; pixel < pixels; ++pixel) {
                plane[lane * pixels + pixel] = block[pixel * lanes + lane];
            }
        }
    });
}

const Operator unblock_operator{.name     = "unblock_channels",
                                .infer    = unblock_infer,
                                .gradient = unblock_gradient,
                                .work     = unblock_work,
                                .cost     = copy_cost};

}  // namespace

Shape blocked_shape(const Shape& x) { return Shape{x[0], blocks_of(x[1]), x[2], x[3], lanes}; }

Tensor block_channels(const Tensor& x) { return node(block_operator, {x}); }

Tensor unblock_channels(const Tensor& x, int64_t channels) {
    return node(unblock_operator, {x}, {{"channels", channels}});
}

}  // namespace hemp
