#include "core/ops/depthwise_sweep.h"

#include "core/kernels/depthwise.h"
#include "core/ops/convolution.h"
#include "core/ops/depthwise_blocked.h"

#include <algorithm>

namespace hemp {

DepthwiseGeometry depthwise_geometry(const Node& node, const Shape& x, const Shape& weight) {
    ConvOptions options = options_of(node);
    Shape       y       = conv2d_shape(x, weight, options);
    expect(is_depthwise(x, weight, options),
           "{}: x {}, weight {} and {} groups are not one filter a channel without dilation; use conv2d", node.op->name,
           x, weight, options.groups);
    return {.images   = x[0],
            .channels = x[1],
            .x        = {x[2], x[3]},
            .y        = {y[2], y[3]},
            .kernel   = {weight[2], weight[3]},
            .stride   = {options.stride[0], options.stride[1]},
            .padding  = {options.padding[0], options.padding[1]}};
}

Shape depthwise_planes(const Node& node, const Tensor& x) {
    int64_t channels = node.integer("groups");
    int64_t blocks   = blocks_of(channels);
    expect(x.shape().rank() == 5 && x.shape()[4] == channel_block && x.shape()[1] == blocks,
           "{}: x has shape {}, but {} channels need [N, {}, H, W, {}]", node.op->name, x.shape(), channels, blocks,
           channel_block);
    return {x.shape()[0], channels, x.shape()[2], x.shape()[3]};
}

Sweep depthwise_sweep(const DepthwiseGeometry& g, bool forward) {
    return {.images      = g.images * g.blocks(),
            .in_channels = channel_block,
            .in_blocks   = 1,
            .in_lanes    = channel_block,
            .out_blocks  = 1,
            .in          = forward ? g.x : g.y,
            .out         = forward ? g.y : g.x,
            .in_step     = forward ? g.stride : Extent{1, 1},
            .out_step    = forward ? Extent{1, 1} : g.stride,
            .phases      = forward ? forward_phases(g.y, g.kernel, g.padding)
                                   : gradient_phases(g.x, g.kernel, g.stride, g.padding)};
}

Stage depthwise_stage(const DepthwiseGeometry& g, const Sweep& s, const Cut& cut, std::optional<size_t> weights_operand,
                      const FinishingOperands& finishing, const StripReader& reader) {
    constexpr int64_t lanes   = channel_block;
    const Depthwise*  kernels = &depthwise();
    auto              run     = [=](const Buffers& memory, int64_t piece) {
        int64_t      first   = piece % cut.strips * cut.strip_rows;
        int64_t      image   = piece / cut.strips;
        const float* weights = weights_operand ? memory.input<float>(*weights_operand) : scratch_of(memory);
        float*       y       = memory.out<float>() + image * s.out.area() * lanes;
        StripView    strip   = reader(memory, image, first);
        for (const Phase& phase : s.phases) {
            int64_t rows = std::min(cut.strip_rows, phase.count.height - first);
            if (rows <= 0 || phase.count.width <= 0) {
                continue;
            }
            int64_t row     = phase.out_first.height + first * s.out_step.height;
            float*  first_y = y + (row * s.out.width + phase.out_first.width) * lanes;
            kernels->convolve({.x = strip.at(phase.in_first.height + first * s.in_step.height, phase.in_first.width),
                                                .x_pixel     = s.in_step.width * lanes,
                                                .x_row       = s.in_step.height * strip.row_floats,
                                                .tap_row     = strip.row_floats,
                                                .tap_rows    = phase.taps.height,
                                                .tap_columns = phase.taps.width,
                                                .weights = weights + (image % g.blocks() * g.taps() + phase.weights) * lanes,
                                                .y       = first_y,
                                                .y_pixel = s.out_step.width * lanes,
                                                .y_row   = s.out_step.height * s.out.width * lanes,
                                                .rows    = rows,
                                                .columns = phase.count.width,
                                                .finish = finishing.at(memory, image % g.blocks(), first_y - memory.out<float>()),
                                                .ahead = strip.ahead});
        }
    };
    auto written = [=](int64_t piece, const Written& tell) {
        int64_t strip = piece % cut.strips * cut.strip_rows;
        int64_t first = s.out_row(strip), end = s.out_row(strip + cut.strip_rows);
        int64_t image = piece / cut.strips;
        tell(image % g.blocks(), (image * s.out.height + first) * s.out.width * lanes, (end - first) * s.out.width);
    };
    return {s.images * cut.strips, run, written};
}

}  // namespace hemp
