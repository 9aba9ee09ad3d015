#include "core/ops/conv2d_blocked.h"

#include "core/kernels/direct_conv.h"
#include "core/kernels/winograd.h"
#include "core/ops/channel_blocks.h"
#include "core/ops/convolution.h"
#include "core/ops/finishing.h"
#include "core/ops/pack_filters.h"
#include "core/ops/sweep.h"

#include <fmt/core.h>

#include <algorithm>

// Convolution on blocks of channels, by Winograd's algorithm where a 3 x 3 kernel has enough channels and pixels, else
// direct: no product is computed that the definition does not have, and no copy is made but that of a strip of the
// image with zeros around it. The direct algorithm:
//   forward           each piece: a strip of an image's rows, all filters (or a share of them)
//   gradient to data  a convolution of dy with the weights turned round; with a stride s, pixels of x at equal distance
//                     from the stride's grid meet the same taps, so that there are s x s convolutions with stride 1
//   gradient to W     each piece: some channels, all filters, a fixed share of the batch; the shares added up in order
namespace hemp {
namespace {

constexpr int64_t lanes        = channel_block;
constexpr int64_t cache_floats = 40 << 10;  // of a strip: a part of L2

struct Geometry {
    int64_t images, channels, filters;
    Extent  x, y, kernel, stride, padding;
    bool    planar;  // x is [N, C, H, W]

    int64_t x_blocks() const { return planar ? channels : blocks_of(channels); }
    int64_t x_lanes() const { return planar ? 1 : lanes; }
    int64_t y_blocks() const { return blocks_of(filters); }
    int64_t products() const { return images * filters * channels * kernel.area() * y.area(); }
};

/// Of x [N, C, H, W] and weight, with the rules of conv2d.
Geometry geometry(const Node& node, const Shape& x, const Shape& weight, bool planar) {
    ConvOptions o = options_of(node);
    Shape       y = conv2d_shape(x, weight, o);
    expect(o.groups == 1 && o.dilation == std::vector<int64_t>{1, 1},
           "{}: dilation and groups are not for blocks of channels; use conv2d", node.op->name);
    return {.images   = x[0],
            .channels = x[1],
            .filters  = weight[0],
            .x        = {x[2], x[3]},
            .y        = {y[2], y[3]},
            .kernel   = {weight[2], weight[3]},
            .stride   = {o.stride[0], o.stride[1]},
            .padding  = {o.padding[0], o.padding[1]},
            .planar   = planar};
}

/// x as it would be without blocks; `channels` of them.
Shape planes_of(const Node& node, const Tensor& x, int64_t channels) {
    if (x.shape().rank() == 4) {
        return x.shape();
    }
    expect(x.shape().rank() == 5 && x.shape()[4] == lanes && x.shape()[1] == blocks_of(channels),
           "{}: x has shape {}, but weights for {} channels need [N, {}, H, W, {}]", node.op->name, x.shape(), channels,
           blocks_of(channels), lanes);
    return {x.shape()[0], channels, x.shape()[2], x.shape()[3]};
}

Shape blocked_y(const Geometry& g) { return {g.images, g.y_blocks(), g.y.height, g.y.width, lanes}; }

Cost cost_of(const Node& node, const Geometry& g) { return conv_cost(node, static_cast<double>(g.products())); }

// --- Winograd's algorithm

WinogradShape winograd_shape(const Geometry& g) { return {g.images, g.channels, g.filters, g.x.height, g.x.width}; }

/// Why it is not faster, by measurement: the transforms must be few beside the products, few tiles may be cut off, and
/// there must be enough of them for the transformed weights (256 x 256 filters: 0.75 ms instead of 1.1 for 16 tiles,
/// more than direct for 4). Empty where it is.
std::string no_winograd(const Geometry& g) {
    WinogradShape shape = winograd_shape(g);
    // Half the multiplications of a direct convolution, which is as slow for a few pixels an image as for 12: so many
    // sums it needs side by side.
    constexpr int64_t least_tiles = 16, least_area = 12;
    int64_t           direct = 9 * g.images * std::max(g.x.area(), least_area);
    if (g.kernel.height != 3 || g.kernel.width != 3) {
        return fmt::format("Winograd: for 3 x 3 kernels, not {} x {}", g.kernel.height, g.kernel.width);
    }
    if (g.stride.area() != 1 || g.padding.area() != 1 || g.padding.height != 1) {
        return "Winograd: for stride 1 and padding 1";
    }
    if (g.planar || std::min(g.channels, g.filters) < lanes) {
        return fmt::format("Winograd: transforms cost more than they save with {} channels, {} filters", g.channels,
                           g.filters);
    }
    if (shape.tiles() < least_tiles) {
        return fmt::format("Winograd: {} tiles are too few for the transformed weights", shape.tiles());
    }
    if (2 * 36 * shape.tiles() > direct) {
        return fmt::format("Winograd: tiles of 4 x 4 reach too far beyond {} x {} pixels", g.x.height, g.x.width);
    }
    return {};
}

bool winograd_pays(const Geometry& g) { return no_winograd(g).empty(); }

constexpr const char* winograd_name = "Winograd F(4x4, 3x3)";

/// A convolution from `channels` to `filters`; the gradient to data is one of dy, with the weights turned round.
Work winograd_work(const Geometry& g, bool rotated, const Reading& reading) {
    expect(!reading.gradient, "{}: does not read through batch norm's gradient", winograd_name);
    const Winograd* kernels = &winograd();
    WinogradShape   shape{g.images, rotated ? g.filters : g.channels, rotated ? g.channels : g.filters, g.x.height,
                        g.x.width};
    auto            operands = [=](const Buffers& memory) {
        return WinogradOperands{.x             = memory.input<float>(0),
                                           .normalisation = normalisation_of(reading, memory),
                                           .weights       = memory.input<float>(1),
                                           .rotated       = rotated,
                                           .packed        = false,
                                           .y             = memory.out<float>()};
    };
    Stage prepare{shape.prepare_pieces(), [=](const Buffers& memory, int64_t piece) {
                      kernels->prepare(shape, operands(memory), piece, scratch_of(memory));
                  }};
    Stage forward{shape.forward_pieces(),
                  [=](const Buffers& memory, int64_t piece) {
                      kernels->forward(shape, operands(memory), scratch_of(memory), piece, thread_scratch_of(memory));
                  },
                  [=](int64_t piece, const Written& tell) { shape.for_each_result(piece, tell); }};
    return {.stages               = {prepare, forward},
            .scratch_bytes        = float_bytes(shape.prepared_floats()),
            .thread_scratch_bytes = float_bytes(shape.forward_scratch_floats()),
            .algorithm            = winograd_name};
}

Work winograd_weight_work(const Geometry& g, const Reading& reading) {
    expect(!reading.gradient, "{}: does not read through batch norm's gradient", winograd_name);
    const Winograd* kernels = &winograd();
    WinogradShape   shape   = winograd_shape(g);
    Stage           multiply{shape.gradient_pieces(), [=](const Buffers& memory, int64_t piece) {
                       kernels->weight_gradient(shape, memory.input<float>(1), normalisation_of(reading, memory),
                                                          memory.input<float>(0), piece, scratch_of(memory),
                                                          thread_scratch_of(memory));
                   }};
    Stage           add{shape.sum_pieces(), [=](const Buffers& memory, int64_t piece) {
                  kernels->sum_weight_gradient(shape, scratch_of(memory), piece, memory.out<float>());
              }};
    return {.stages               = {multiply, add},
            .scratch_bytes        = float_bytes(shape.partial_floats()),
            .thread_scratch_bytes = float_bytes(shape.gradient_scratch_floats()),
            .algorithm            = winograd_name};
}

// --- direct

/// Weights of each block of filters, all phases, that are packed: an operand, or in scratch.
struct PackedWeights {
    int64_t           block_floats;
    bool              operand   = false;
    FinishingOperands finishing = {};

    const float* of(const Buffers& memory, int64_t block) const {
        return (operand ? memory.input<float>(1) : scratch_of(memory)) + block * block_floats;
    }
};

/// What a piece of a sweep computes: a strip of rows, some blocks of filters.
struct Place {
    int64_t image, first_row, first_block, end_block;
};

Stage sweep_stage(const Sweep& s, const Cut& cut, const PackedWeights& weights, const PixelReader& reader) {
    const DirectConv* kernels  = &direct_conv();
    auto              place_of = [=](int64_t piece) {
        int64_t share = piece % cut.shares;
        return Place{.image       = piece / cut.shares / cut.strips,
                                  .first_row   = piece / cut.shares % cut.strips * cut.strip_rows,
                                  .first_block = s.out_blocks * share / cut.shares,
                                  .end_block   = s.out_blocks * (share + 1) / cut.shares};
    };
    int64_t pieces = s.images * cut.strips * cut.shares;
    // To copy a strip is to wait for memory, and its sums do not need any: the next strip comes meanwhile.
    bool foreseen = s.pointwise();
    // While the first block of filters is computed; what else it is made of, while the second one is.
    auto ahead = [=](const Buffers& memory, int64_t piece, int64_t block) -> const float* {
        int64_t follows = (piece / cut.shares + 1) * cut.shares;
        if (!foreseen || follows >= pieces || block > 1) {
            return nullptr;
        }
        Place  next = place_of(follows);
        Pixels x    = reader.first(memory).from(
               (next.image * s.in_blocks * s.in.area() + next.first_row * s.in.width) * s.in_lanes, 0);
        return block == 0 ? x.memory : x.gradient.x;
    };
    auto run = [=](const Buffers& memory, int64_t piece) {
        auto [image, first, first_block, end_block] = place_of(piece);

        Pixels    x     = reader.first(memory).from(image * s.in_blocks * s.in.area() * s.in_lanes, 0);
        float*    y     = memory.out<float>() + image * s.out_blocks * s.out.area() * lanes;
        StripView strip = read_strip(s, cut, x, s.in_blocks, first, memory.thread_scratch);
        for (const Phase& phase : s.phases) {
            int64_t rows = std::min(cut.strip_rows, phase.count.height - first);
            if (rows <= 0) {
                continue;
            }
            int64_t*     offsets = cut.offsets(memory.thread_scratch);
            int64_t      part    = s.channels_of_partial_block();
            DirectRegion region{
                .x              = strip.at(phase.in_first.height + first * s.in_step.height, phase.in_first.width),
                .x_pixel        = s.in_step.width * s.in_lanes,
                .x_row          = s.in_step.height * strip.row_floats,
                .offsets        = offsets,
                .segments       = s.write_offsets(phase, strip.block_floats, strip.row_floats, offsets),
                .length         = s.in_lanes == 1 ? phase.taps.width : lanes,
                .weights        = nullptr,
                .y              = nullptr,
                .y_pixel        = s.out_step.width * lanes,
                .y_row          = s.out_step.height * s.out.width * lanes,
                .rows           = rows,
                .columns        = phase.count.width,
                .short_segments = part > 0 ? phase.taps.area() : 0,
                .short_length   = part,
                .ahead_segment  = s.in.area() * s.in_lanes,
            };
            if (region.x_row == region.columns * region.x_pixel && region.y_row == region.columns * region.y_pixel) {
                region.columns *= region.rows;  // 1 x 1: one long row
                region.rows = 1;
            }
            int64_t row = phase.out_first.height + first * s.out_step.height;
            for (int64_t block = first_block; block < end_block; ++block) {
                region.ahead   = ahead(memory, piece, block - first_block);
                region.weights = weights.of(memory, block) + phase.weights * s.in_blocks * s.in_lanes * lanes;
                region.y       = y + ((block * s.out.height + row) * s.out.width + phase.out_first.width) * lanes;
                region.finish  = weights.finishing.at(memory, block, region.y - memory.out<float>());
                kernels->convolve(region);
            }
        }
    };
    auto written = [=](int64_t piece, const Written& tell) {
        Place   place = place_of(piece);
        int64_t first = s.out_row(place.first_row), end = s.out_row(place.first_row + cut.strip_rows);
        for (int64_t block = place.first_block; block < place.end_block; ++block) {
            int64_t row = (place.image * s.out_blocks + block) * s.out.height + first;
            tell(block, row * s.out.width * lanes, (end - first) * s.out.width);
        }
    };
    return {pieces, run, written};
}

// --- forward

Geometry forward_geometry(const Node& node) {
    const Shape& weight = node.inputs[1].shape();
    expect(weight.rank() == 4, "{}: weight has shape {}; it needs four axes (filters, channels, rows, columns)",
           node.op->name, weight);
    return geometry(node, planes_of(node, node.inputs[0], weight[1]), weight, node.inputs[0].shape().rank() == 4);
}

Type infer(const Node& node) {
    expect_f32(node);
    return {blocked_y(forward_geometry(node))};
}

Shape x_planes(const Geometry& g) { return {g.images, g.channels, g.x.height, g.x.width}; }
Shape weight_shape(const Geometry& g) { return {g.filters, g.channels, g.kernel.height, g.kernel.width}; }

/// dx in the form that x has.
Tensor gradient_to_x(const Geometry& g, const Tensor& dy, const Tensor& weight, const ConvOptions& options) {
    Tensor dx = conv2d_blocked_data_gradient(dy, weight, x_planes(g), options);
    return g.planar ? unblock_channels(dx, g.channels) : dx;
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Node& node = y.node();
    Geometry    g    = forward_geometry(node);
    ConvOptions o    = options_of(node);
    return {gradient_to_x(g, dy, node.inputs[1], o),
            conv2d_blocked_weight_gradient(dy, node.inputs[0], weight_shape(g), o)};
}

FilterPacking packing_of(const Geometry& g) { return {g.filters, g.channels, g.kernel.area(), g.x_lanes()}; }

Sweep forward_sweep(const Geometry& g) {
    return {.images      = g.images,
            .in_channels = g.channels,
            .in_blocks   = g.x_blocks(),
            .in_lanes    = g.x_lanes(),
            .out_blocks  = g.y_blocks(),
            .in          = g.x,
            .out         = g.y,
            .in_step     = g.stride,
            .out_step    = {1, 1},
            .phases      = forward_phases(g.y, g.kernel, g.padding)};
}

Work work_reading(const Node& node, const Reading& reading) {
    Geometry g = forward_geometry(node);
    if (winograd_pays(g)) {
        return winograd_work(g, false, reading);
    }
    FilterPacking packing = packing_of(g);
    Sweep         sweep   = forward_sweep(g);
    Cut           cut     = cut_of(sweep, cache_floats, reading.normalised.has_value());
    Stage         pack{packing.blocks(), [=](const Buffers& memory, int64_t block) {
                   packing.run(memory.input<float>(1), block, scratch_of(memory) + block * packing.block_floats());
               }};
    return {.stages               = {pack, sweep_stage(sweep, cut, {packing.block_floats()}, PixelReader(reading))},
            .scratch_bytes        = float_bytes(packing.blocks() * packing.block_floats()),
            .thread_scratch_bytes = cut.thread_scratch_bytes(),
            .algorithm            = "direct",
            .instead              = no_winograd(g)};
}

Tensor finished(const Node& node, const Finishing& finishing) {
    const Tensor& weight = node.inputs[1];
    return finishing.empty() && !is_constant(weight)
               ? Tensor()
               : conv2d_finished(node.inputs[0], weight, options_of(node), finishing);
}

const Operator conv2d_blocked_operator{
    .name               = "conv2d_blocked",
    .infer              = infer,
    .gradient           = gradient,
    .work               = [](const Node& node) { return work_reading(node, {}); },
    .work_reading       = [](const Node& node, const Reading& reading) { return work_reading(node, reading); },
    .normalised_operand = 0,
    .finished           = finished,
    .cost               = [](const Node& node) { return cost_of(node, forward_geometry(node)); },
};

// --- finished: inputs x, packed weights, and what is added

Geometry finished_geometry(const Node& node) {
    Shape weight(node.integers("weight"));
    return geometry(node, planes_of(node, node.inputs[0], weight[1]), weight, node.inputs[0].shape().rank() == 4);
}

Tensor packed(const Geometry& g, const Tensor& weight) {
    if (!winograd_pays(g)) {
        return pack_filters(weight, g.x_lanes());
    }
    return winograd_shape(g).prepares_weights() ? winograd_filters(weight) : pack_filters(weight, 1);
}

Type finished_infer(const Node& node) {
    expect_f32(node);
    Geometry g     = finished_geometry(node);
    Tensor   fresh = packed(g, input("weight", weight_shape(g)));
    expect(node.inputs[1].shape() == fresh.shape(), "{}: packed weights have shape {}; {} needs {}", node.op->name,
           node.inputs[1].shape(), weight_shape(g), fresh.shape());
    expect_finishing(node, 2, blocked_y(g));
    return {blocked_y(g)};
}

Work winograd_finished_work(const Node& node, const Geometry& g, const Reading& reading) {
    const Winograd*   kernels = &winograd();
    WinogradShape     shape   = winograd_shape(g);
    FinishingOperands finishing(node, 2);
    auto              operands = [=](const Buffers& memory) {
        return WinogradOperands{.x             = memory.input<float>(0),
                                             .normalisation = normalisation_of(reading, memory),
                                             .weights       = memory.input<float>(1),
                                             .rotated       = false,
                                             .packed        = true,
                                             .y             = memory.out<float>(),
                                             .finish        = finishing.at(memory, 0, 0)};
    };
    bool at_points = shape.prepares_weights();
    Work result{.stages               = {},
                .scratch_bytes        = at_points ? 0 : float_bytes(shape.prepared_floats()),
                .thread_scratch_bytes = float_bytes(shape.forward_scratch_floats()),
                .algorithm            = with_finishing(winograd_name, node)};
    if (!at_points) {
        result.stages.push_back({shape.prepare_pieces(), [=](const Buffers& memory, int64_t piece) {
                                     kernels->prepare(shape, operands(memory), piece, scratch_of(memory));
                                 }});
    }
    result.stages.push_back({shape.forward_pieces(), [=](const Buffers& memory, int64_t piece) {
                                 const float* prepared = at_points ? memory.input<float>(1) : scratch_of(memory);
                                 kernels->forward(shape, operands(memory), prepared, piece, thread_scratch_of(memory));
                             }});
    return result;
}

Work finished_work(const Node& node, const Reading& reading) {
    Geometry g = finished_geometry(node);
    if (winograd_pays(g)) {
        return winograd_finished_work(node, g, reading);
    }
    Sweep         sweep = forward_sweep(g);
    Cut           cut   = cut_of(sweep, cache_floats, reading.normalised.has_value());
    PackedWeights weights{packing_of(g).block_floats(), true, FinishingOperands(node, 2)};
    return {.stages               = {sweep_stage(sweep, cut, weights, PixelReader(reading))},
            .thread_scratch_bytes = cut.thread_scratch_bytes(),
            .algorithm            = with_finishing("direct", node),
            .instead              = no_winograd(g)};
}

const Operator conv2d_finished_operator{
    .name               = "conv2d_finished",
    .infer              = finished_infer,
    .work               = [](const Node& node) { return finished_work(node, {}); },
    .work_reading       = [](const Node& node, const Reading& reading) { return finished_work(node, reading); },
    .normalised_operand = 0,
    .cost               = [](const Node& node) { return cost_of(node, finished_geometry(node)); },
};

// --- gradient to data: inputs dy, weight

Geometry data_geometry(const Node& node) {
    return geometry(node, Shape(node.integers("x")), node.inputs[1].shape(), false);
}

Type data_infer(const Node& node) {
    expect_f32(node);
    Geometry g = data_geometry(node);
    expect_dy(node, blocked_y(g));
    return {blocked_shape(x_planes(g))};
}

Tensors data_gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& from   = y.node().inputs[0];
    const Tensor& weight = y.node().inputs[1];
    ConvOptions   o      = options_of(y.node());
    return {conv2d_blocked(dy, weight, o), conv2d_blocked_weight_gradient(from, dy, weight.shape(), o)};
}

/// Sets a block's 16 filters of one tap; those beyond `filters` are zero.
void pack_tap(const float* weight, int64_t filters, int64_t filter_floats, float* to) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
        to[lane] = lane < filters ? weight[lane * filter_floats] : 0.0f;
    }
}

/// Floats of one block of channels.
int64_t data_weight_floats(const Geometry& g) { return g.y_blocks() * lanes * g.kernel.area() * lanes; }

Sweep data_sweep(const Geometry& g) {
    return {.images      = g.images,
            .in_channels = g.filters,
            .in_blocks   = g.y_blocks(),
            .in_lanes    = lanes,
            .out_blocks  = blocks_of(g.channels),
            .in          = g.y,
            .out         = g.x,
            .in_step     = {1, 1},
            .out_step    = g.stride,
            .phases      = gradient_phases(g.x, g.kernel, g.stride, g.padding)};
}

Work data_work(const Node& node, const Reading& reading) {
    Geometry g = data_geometry(node);
    if (winograd_pays(g)) {
        return winograd_work(g, true, reading);
    }
    int64_t weight_floats = data_weight_floats(g);
    Sweep   sweep         = data_sweep(g);
    Cut     cut           = cut_of(sweep, cache_floats, reading.gradient.has_value());
    // The taps of each phase, the last one first.
    Stage pack{sweep.out_blocks, [=](const Buffers& memory, int64_t block) {
                   int64_t taps     = g.kernel.area();
                   int64_t channels = std::min(lanes, g.channels - block * lanes);
                   float*  to       = scratch_of(memory) + block * weight_floats;
                   for (size_t i = 0; i < sweep.phases.size(); ++i) {
                       const Phase& phase     = sweep.phases[i];
                       int64_t      remainder = static_cast<int64_t>(i);
                       for (int64_t y_block = 0; y_block < sweep.in_blocks; ++y_block) {
                           for (int64_t tap = phase.taps.area() - 1; tap >= 0; --tap) {
                               int64_t row    = remainder / g.stride.width + tap / phase.taps.width * g.stride.height;
                               int64_t column = remainder % g.stride.width + tap % phase.taps.width * g.stride.width;
                               for (int64_t lane = 0; lane < lanes; ++lane) {
                                   int64_t filter = y_block * lanes + lane;
                                   bool    real   = filter < g.filters;
                                   pack_tap(memory.input<float>(1) +
                                                (real ? (filter * g.channels + block * lanes) * taps : 0) +
                                                row * g.kernel.width + column,
                                            real ? channels : 0, taps, to);
                                   to += lanes;
                               }
                           }
                       }
                   }
               }};
    return {.stages               = {pack, sweep_stage(sweep, cut, {weight_floats}, PixelReader(reading))},
            .scratch_bytes        = float_bytes(sweep.out_blocks * weight_floats),
            .thread_scratch_bytes = cut.thread_scratch_bytes(),
            .algorithm            = "direct",
            .instead              = no_winograd(g)};
}

const Operator conv2d_blocked_data_gradient_operator{
    .name           = "conv2d_blocked_data_gradient",
    .infer          = data_infer,
    .gradient       = data_gradient,
    .work           = [](const Node& node) { return data_work(node, {}); },
    .work_reading   = [](const Node& node, const Reading& reading) { return data_work(node, reading); },
    .reads_gradient = [](const Node& node) { return !winograd_pays(data_geometry(node)); },
    .cost           = [](const Node& node) { return cost_of(node, data_geometry(node)); },
};

// --- gradient to weights: inputs dy, x

Geometry weight_geometry(const Node& node) {
    Shape weight(node.integers("weight"));
    expect(weight.rank() == 4, "{}: weight has shape {}; it needs four axes (filters, channels, rows, columns)",
           node.op->name, weight);
    return geometry(node, planes_of(node, node.inputs[1], weight[1]), weight, node.inputs[1].shape().rank() == 4);
}

Type weight_infer(const Node& node) {
    expect_f32(node);
    Geometry g = weight_geometry(node);
    expect_dy(node, blocked_y(g));
    return {Shape(node.integers("weight"))};
}

Tensors weight_gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& from = y.node().inputs[0];
    const Tensor& x    = y.node().inputs[1];
    ConvOptions   o    = options_of(y.node());
    return {conv2d_blocked(x, dy, o), gradient_to_x(weight_geometry(y.node()), from, dy, o)};
}

/// A group of channels: all planes, or one block; four where a tap alone is too little work for a look at dy.
int64_t blocks_together(const Geometry& g) { return g.planar ? g.channels : g.kernel.area() == 1 ? 4 : 1; }

/// One for each group.
int64_t passes_over_dy(const Geometry& g) { return (g.x_blocks() + blocks_together(g) - 1) / blocks_together(g); }

/// Whether it is cheaper to compute dy, from two images, in each pass than to write and read it. ResNet-50's step takes
/// 1,646 ms if it is written, 1,624 with up to 4 passes, 1,744 with any number.
bool weights_read_gradient(const Node& node) {
    constexpr int64_t most_passes = 4;
    Geometry          g           = weight_geometry(node);
    return !winograd_pays(g) && passes_over_dy(g) <= most_passes;
}

Work weight_work(const Node& node, const Reading& reading) {
    Geometry g = weight_geometry(node);
    if (winograd_pays(g)) {
        return winograd_weight_work(g, reading);
    }
    const DirectConv* kernels = &direct_conv();
    PixelReader       reader(reading);

    constexpr int64_t enough       = 16;
    int64_t           group_blocks = blocks_together(g);
    int64_t           groups       = passes_over_dy(g);
    int64_t           shares =
        std::clamp<int64_t>(enough / std::max<int64_t>(groups, 1), 1, std::max<int64_t>(g.images, 1));  // of the batch
    int64_t taps          = g.kernel.area();
    int64_t block_factors = taps * g.x_lanes();
    int64_t filter_floats = block_factors * lanes;  // of one block of x and one of y
    int64_t share_floats  = g.x_blocks() * g.y_blocks() * filter_floats;

    Sweep sweep       = forward_sweep(g);
    sweep.in_blocks   = group_blocks;
    Cut cut           = cut_of(sweep, cache_floats, reading.normalised.has_value());
    cut.offsets_bytes = static_cast<size_t>(g.planar ? group_blocks * taps : lanes) * sizeof(int64_t);

    // So many pixels of a block of x and of one of dy stay in L1 while all pairs of their channels are multiplied: a
    // few rows. With 1 x 1 kernels each is used once, and long rows are foreseen: as many as stay in L2, or several
    // small images.
    int64_t pixels_together = taps == 1 ? 512 : 128;
    bool    pointwise       = !g.planar && taps == 1 && g.stride.area() == 1 && g.x.area() == g.y.area();
    int64_t images_together = pointwise ? std::max<int64_t>(1, pixels_together / g.x.area()) : 1;
    int64_t rows_together   = std::max<int64_t>(1, pixels_together / std::max<int64_t>(g.y.width, 1));
    if (images_together > 1 && reading.normalised) {
        cut.strip_floats = std::max(cut.strip_floats, group_blocks * images_together * g.x.area() * lanes);
    }
    constexpr size_t line    = 64;
    size_t           dy_at   = (cut.thread_scratch_bytes() + line - 1) / line * line;  // its copy, of a block
    int64_t          dy_copy = reading.gradient ? std::max(pixels_together, g.y.width) * lanes : 0;

    // Totals are [shares, x blocks, y blocks, taps and lanes, 16]; for planes [shares, y blocks, channels, taps, 16].
    Stage multiply{
        groups * shares, [=](const Buffers& memory, int64_t piece) {
            int64_t group       = piece % groups;
            int64_t share       = piece / groups;
            int64_t first_block = group * group_blocks;
            int64_t blocks      = std::min(group_blocks, g.x_blocks() - first_block);
            float*  total = scratch_of(memory) + share * share_floats + first_block * g.y_blocks() * filter_floats;
            std::fill_n(total, blocks * g.y_blocks() * filter_floats, 0.0f);
            int64_t* offsets = cut.offsets(memory.thread_scratch);
            int64_t  factors = g.planar ? blocks * taps : lanes;
            for (int64_t lane = 0; lane < lanes && !g.planar; ++lane) {
                offsets[lane] = lane;
            }
            // Adds the products of some pixels; `sums` has those of the first block of x and of y, and the first tap,
            // and ahead the pixels of x that come next. Meanwhile these come to the cache, and then the next block of
            // dy.
            auto add = [&](DirectSums sums, const Pixels& dy, int64_t block_floats, int64_t row_floats) {
                const float *x = sums.x, *ahead = sums.ahead;
                int64_t      ahead_row = sums.ahead_row, dy_row = sums.dy_row;
                for (int64_t y_block = 0; y_block < g.y_blocks(); ++y_block) {
                    Pixels of_block = dy.from(y_block * g.y.area() * lanes, y_block);
                    sums.dy         = of_block.memory;
                    if (dy.computed()) {
                        auto* copy  = reinterpret_cast<float*>(memory.thread_scratch + dy_at);
                        sums.dy     = copy;
                        sums.dy_row = sums.columns * lanes;
                        for (int64_t row = 0; row < sums.rows; ++row) {
                            of_block.from(row * dy_row, 0).copy(sums.columns, lanes, copy + row * sums.dy_row);
                        }
                    }
                    if (g.planar) {
                        sums.total = total + y_block * blocks * filter_floats;
                        kernels->sum_over_pixels(sums);
                        continue;
                    }
                    for (int64_t block = 0; block < blocks; ++block) {
                        // The sums of what fills a block up are never read.
                        sums.factors = g.channels - (first_block + block) * lanes <= lanes / 2 ? lanes / 2 : lanes;
                        if (y_block == 0) {
                            sums.ahead     = ahead == nullptr ? nullptr : ahead + block * g.x.area() * lanes;
                            sums.ahead_row = ahead_row;
                        } else {
                            bool   next      = block <= 1 && y_block + 1 < g.y_blocks();
                            Pixels following = of_block.from(next ? g.y.area() * lanes : 0, 0);
                            sums.ahead       = !next ? nullptr : block == 0 ? following.memory : following.gradient.x;
                            sums.ahead_row   = dy_row;
                        }
                        for (int64_t tap = 0; tap < taps; ++tap) {
                            sums.x = x + block * block_floats + tap / g.kernel.width * row_floats +
                                     tap % g.kernel.width * lanes;
                            sums.total = total + ((block * g.y_blocks() + y_block) * taps + tap) * lanes * lanes;
                            kernels->sum_over_pixels(sums);
                        }
                    }
                }
            };
            int64_t image_floats = g.x_blocks() * g.x.area() * g.x_lanes();
            int64_t end          = g.images * (share + 1) / shares;
            for (int64_t image = g.images * share / shares; image < end; image += images_together) {
                Pixels x = reader.normalised(memory, 1).from(
                    image * image_floats + first_block * g.x.area() * g.x_lanes(), first_block);
                Pixels       dy    = reader.gradient(memory, 0).from(image * g.y_blocks() * g.y.area() * lanes, 0);
                const float* whole = x.memory;
                DirectSums   sums{.x        = whole,
                                  .x_pixel  = g.stride.width * g.x_lanes(),
                                  .x_row    = image_floats,
                                  .offsets  = offsets,
                                  .factors  = factors,
                                  .dy       = nullptr,
                                  .dy_pixel = lanes,
                                  .dy_row   = g.y_blocks() * g.y.area() * lanes,
                                  .rows     = std::min(images_together, end - image),
                                  .columns  = g.y.area(),
                                  .total    = nullptr};
                if (images_together > 1) {
                    int64_t block_floats = g.x.area() * lanes;
                    if (x.computed()) {
                        auto* copy   = reinterpret_cast<float*>(memory.thread_scratch);
                        block_floats = sums.rows * g.x.area() * lanes;
                        for (int64_t block = 0; block < blocks; ++block) {
                            for (int64_t i = 0; i < sums.rows; ++i) {
                                x.from(i * sums.x_row + block * g.x.area() * lanes, block)
                                    .copy(g.x.area(), lanes, copy + block * block_floats + i * g.x.area() * lanes);
                            }
                        }
                        sums.x     = copy;
                        sums.x_row = g.x.area() * lanes;
                    }
                    sums.ahead     = image + images_together < end ? whole + images_together * image_floats : nullptr;
                    sums.ahead_row = image_floats;
                    add(sums, dy, block_floats, 0);
                    continue;
                }
                sums.dy_row    = g.y.width * lanes;
                sums.columns   = g.y.width;
                sums.ahead_row = g.x.width * lanes;
                for (int64_t first = 0; first < g.y.height; first += cut.strip_rows) {
                    StripView strip = read_strip(sweep, cut, x, blocks, first, memory.thread_scratch);
                    sums.x_row      = g.stride.height * strip.row_floats;
                    for (int64_t i = 0; i < factors && g.planar; ++i) {
                        int64_t tap = i % taps;
                        offsets[i]  = i / taps * strip.block_floats + tap / g.kernel.width * strip.row_floats +
                                     tap % g.kernel.width;
                    }
                    int64_t last = std::min(first + cut.strip_rows, g.y.height);
                    for (int64_t row = first; row < last; row += rows_together) {
                        if (pointwise && row + cut.strip_rows < g.y.height) {
                            sums.ahead = whole + (row + cut.strip_rows) * sums.ahead_row;
                        } else {
                            bool next  = pointwise && image + 1 < end;
                            sums.ahead = next ? whole + image_floats + (row - first) * sums.ahead_row : nullptr;
                        }
                        sums.x    = strip.at(row * g.stride.height - g.padding.height, -g.padding.width);
                        sums.rows = std::min(rows_together, last - row);
                        add(sums, dy.from(row * g.y.width * lanes, 0), strip.block_floats, strip.row_floats);
                    }
                }
            }
        }};
    // The shares added up, into [K, C, taps].
    Stage add{
        g.y_blocks(), [=](const Buffers& memory, int64_t y_block) {
            const float* totals = scratch_of(memory);
            for (int64_t channel = 0; channel < g.channels; ++channel) {
                int64_t block = channel / g.x_lanes();
                int64_t lane  = channel % g.x_lanes();
                for (int64_t tap = 0; tap < taps; ++tap) {
                    int64_t at          = g.planar ? ((y_block * g.channels + channel) * taps + tap) * lanes
                                                   : (((block * g.y_blocks() + y_block) * taps + tap) * lanes + lane) * lanes;
                    float   sums[lanes] = {};
                    for (int64_t share = 0; share < shares; ++share) {
                        for (int64_t i = 0; i < lanes; ++i) {
                            sums[i] += totals[share * share_floats + at + i];
                        }
                    }
                    for (int64_t i = 0; i < std::min(lanes, g.filters - y_block * lanes); ++i) {
                        memory.out<float>()[((y_block * lanes + i) * g.channels + channel) * taps + tap] = sums[i];
                    }
                }
            }
        }};
    return {.stages               = {multiply, add},
            .scratch_bytes        = float_bytes(shares * share_floats),
            .thread_scratch_bytes = dy_at + float_bytes(dy_copy),
            .algorithm            = "direct",
            .instead              = no_winograd(g)};
}

const Operator conv2d_blocked_weight_gradient_operator{
    .name               = "conv2d_blocked_weight_gradient",
    .infer              = weight_infer,
    .gradient           = weight_gradient,
    .work               = [](const Node& node) { return weight_work(node, {}); },
    .work_reading       = [](const Node& node, const Reading& reading) { return weight_work(node, reading); },
    .normalised_operand = 1,
    .reads_gradient     = weights_read_gradient,
    .cost               = [](const Node& node) { return cost_of(node, weight_geometry(node)); },
};

}  // namespace

Tensor conv2d_blocked(const Tensor& x, const Tensor& weight, const ConvOptions& options) {
    return node(conv2d_blocked_operator, {x, weight}, attributes_of(options));
}

Tensor conv2d_finished(const Tensor& x, const Tensor& weight, const ConvOptions& options, const Finishing& finishing) {
    Geometry   g          = forward_geometry(conv2d_blocked(x, weight, options).node());
    Tensors    inputs     = {x, packed(g, weight)};
    Attributes attributes = attributes_of(options);
    attributes["weight"]  = lengths_of(weight.shape());
    add_finishing(finishing, inputs, attributes);
    return node(conv2d_finished_operator, inputs, attributes);
}

bool is_pointwise_finished(const Tensor& tensor) {
    const Node& node = tensor.node();
    if (node.op != &conv2d_finished_operator) {
        return false;
    }
    Geometry g = finished_geometry(node);
    return !g.planar && g.kernel.area() == 1 && g.stride.area() == 1 && g.padding.height + g.padding.width == 0 &&
           node.integer("addend") == 0;
}

Tensor conv2d_blocked_data_gradient(const Tensor& dy, const Tensor& weight, const Shape& x,
                                    const ConvOptions& options) {
    Attributes attributes = attributes_of(options);
    attributes["x"]       = lengths_of(x);
    return node(conv2d_blocked_data_gradient_operator, {dy, weight}, attributes);
}

Tensor conv2d_blocked_weight_gradient(const Tensor& dy, const Tensor& x, const Shape& weight,
                                      const ConvOptions& options) {
    Attributes attributes = attributes_of(options);
    attributes["weight"]  = lengths_of(weight);
    return node(conv2d_blocked_weight_gradient_operator, {dy, x}, attributes);
}

bool stays_planar(const Shape& x) { return x[1] <= 4; }

std::string no_blocks(const Shape& x, const Shape& weight, const ConvOptions& options) {
    if (options.groups != 1 || options.dilation != std::vector<int64_t>{1, 1}) {
        return "blocks of channels: for one group without dilation";
    }
    if (weight[0] == 0 || weight[1] == 0) {
        return "blocks of channels: there are no channels";
    }
    // With the wasted products of filled-up blocks, more than this many times the products would be computed.
    constexpr double most    = 1.4;
    auto             filling = [](int64_t channels) {
        return static_cast<double>(blocks_of(channels) * lanes) / static_cast<double>(channels);
    };
    double products = (stays_planar(x) ? 1.0 : filling(weight[1])) * filling(weight[0]);
    return products <= most ? "" : fmt::format("blocks of channels: {:.2f} times the products", products);
}

}  // namespace hemp
