#include "core/ops/moments.h"

#include "core/kernels/moments.h"
#include "core/operator.h"
#include "core/ops/add.h"
#include "core/ops/alongside.h"
#include "core/ops/channel_blocks.h"
#include "core/ops/multiply.h"
#include "core/ops/slice.h"
#include "core/ops/subtract.h"

namespace hemp {
namespace {

constexpr int64_t lanes = channel_block;

ChannelImages geometry(const Node& node) { return {node.inputs[0].shape(), node.integer("channels")}; }

Type infer(const Node& node) {
    const Tensor& x        = node.inputs[0];
    int64_t       channels = node.integer("channels");
    bool          pairs    = x.shape().rank() == 2 && x.shape()[1] == channels;
    expect((pairs || ChannelImages::fits(x.shape(), channels)) && x.dtype() == DType::f32,
           "moments: x is {}; it needs two axes (batch, channels) or four (images, channels, rows, columns) of f32",
           x.type());
    expect(x.shape().size() > 0, "moments: x {} is empty, and nothing has no mean", x.type());
    return {{2, channels}};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Node&   node = y.node();
    ChannelImages g    = geometry(node);
    Tensor        x    = g.in_blocks ? unblock_channels(node.inputs[0], g.channels) : node.inputs[0];
    Shape         each = x.shape().rank() == 2 ? Shape{g.channels} : Shape{g.channels, 1, 1};
    auto          one  = 1 / static_cast<float>(g.values());
    // The variance does not change with the mean to first order: the sum of x - mean is zero.
    Tensor dx = row(dy, 0, each) * constant(one) + (x - row(y, 0, each)) * (row(dy, 1, each) * constant(2 * one));
    return {g.in_blocks ? block_channels(dx) : dx};
}

/// Mean and sum of squared differences of one channel, in double.
struct Joined {
    double count = 0, mean = 0, squares = 0;

    void add(double more, double mean_of_more, double squares_of_more) {
        double all        = count + more;
        double difference = mean_of_more - mean;
        mean += difference * (more / all);
        squares += squares_of_more + difference * difference * (count * more / all);
        count = all;
    }
    void add(float value) { add(1, value, 0); }
    void write(int64_t channel, int64_t channels, float* y) const {
        y[channel]            = static_cast<float>(mean);
        y[channels + channel] = static_cast<float>(squares / count);
    }
};

/// `work`, with the moments of the images that it writes; `pixels` gives them, `y` the place of the result among the
/// step's outputs.
template <class Pixels>
Work with_moments(Work work, const ChannelImages& g, Pixels pixels, size_t y) {
    AddPixels* add = add_pixels();
    return gathering<Moments>(
        std::move(work), g.blocks(),
        [=](const Buffers& memory, int64_t, int64_t first, int64_t count, Moments& record) {
            add(pixels(memory) + first, count, lanes, record);
        },
        [=](const Buffers& memory, int64_t block, const auto& for_each_record) {
            Joined channels[lanes];
            for_each_record([&](const Moments& record) {
                for (int64_t lane = 0; lane < lanes; ++lane) {
                    channels[lane].add(static_cast<double>(record.count), record.mean[lane], record.squares[lane]);
                }
            });
            for (int64_t lane = 0; lane < std::min(lanes, g.channels - block * lanes); ++lane) {
                channels[lane].write(block * lanes + lane, g.channels, memory.out<float>(y));
            }
        });
}

/// A channel at a time: 16 pixels of a plane side by side, then those that are left.
Stage planes_stage(const ChannelImages& g) {
    AddPixels* add = add_pixels();
    return {g.channels, [=](const Buffers& memory, int64_t channel) {
                Moments sixteen;
                Joined  all;
                for (int64_t image = 0; image < g.images; ++image) {
                    const float* plane = memory.input<float>(0) + (image * g.channels + channel) * g.area;
                    add(plane, g.area / 16, 16, sixteen);
                    for (int64_t i = g.area / 16 * 16; i < g.area; ++i) {
                        all.add(plane[i]);
                    }
                }
                for (int64_t lane = 0; lane < 16 && sixteen.count > 0; ++lane) {
                    all.add(static_cast<double>(sixteen.count), sixteen.mean[lane], sixteen.squares[lane]);
                }
                all.write(channel, g.channels, memory.out<float>());
            }};
}

Work work(const Node& node) {
    ChannelImages g = geometry(node);
    if (!g.in_blocks) {
        return {.stages = {planes_stage(g)}};
    }
    return settled(with_moments(
        {.stages = {reading_stage(g.images, g.blocks(), g.area)}}, g,
        [](const Buffers& memory) { return memory.input<float>(0); }, 0));
}

Work work_along(const Node& node, Work work, const Alongside& place) {
    return with_moments(
        std::move(work), geometry(node), [](const Buffers& memory) { return memory.out<float>(0); }, place.result);
}

Tensor on_blocks(const Node& node, BlockedOperands& operands) {
    return operands.in_blocks(0) ? moments(operands.blocks(0), node.integer("channels")) : Tensor();
}

const Operator moments_operator{
    .name       = "moments",
    .infer      = infer,
    .gradient   = gradient,
    .work       = work,
    .work_along = work_along,
    .on_blocks  = on_blocks,
    .cost =
        [](const Node& node) {
            auto size = static_cast<double>(node.inputs[0].shape().size());
            return Cost{.flop  = 4 * size,
                        .bytes = static_cast<double>(node.inputs[0].type().bytes() + node.type.bytes())};
        },
};

}  // namespace

Tensor moments(const Tensor& x) { return moments(x, x.shape().rank() > 1 ? x.shape()[1] : 0); }

Tensor moments(const Tensor& x, int64_t channels) { return node(moments_operator, {x}, {{"channels", channels}}); }

}  // namespace hemp
