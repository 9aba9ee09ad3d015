#include "core/ops/depthwise_blocked.h"

#include "core/kernels/depthwise.h"
#include "core/ops/alongside.h"
#include "core/ops/channel_blocks.h"
#include "core/ops/convolution.h"
#include "core/ops/depthwise_sweep.h"
#include "core/ops/expanded_depthwise.h"
#include "core/ops/finishing.h"
#include "core/ops/pack_filters.h"
#include "core/ops/sweep.h"

#include <algorithm>

// Depthwise convolution, block by block: lanes are channels and never mix, so that each tap is one multiply-add of a
// vector. Bound by the copy of a strip with zeros around it and by the loads, not by arithmetic.
namespace hemp {
namespace {

constexpr int64_t lanes        = channel_block;
constexpr int64_t cache_floats = 12 << 10;  // of a strip, so that it stays near L1

using Geometry = DepthwiseGeometry;

Cost cost_of(const Node& node, const Geometry& g) { return conv_cost(node, g.products()); }

/// The tap of the kernel that stands at place `tap` of a phase.
int64_t kernel_tap(const Geometry& g, bool forward, size_t phase_index, const Phase& phase, int64_t tap) {
    if (forward) {
        return tap;
    }
    int64_t last     = phase.taps.area() - 1 - tap;
    int64_t distance = static_cast<int64_t>(phase_index);
    int64_t row      = distance / g.stride.width + last / phase.taps.width * g.stride.height;
    int64_t column   = distance % g.stride.width + last % phase.taps.width * g.stride.width;
    return row * g.kernel.width + column;
}

/// Where the strip after this one begins: in memory blocks and images follow one another. To copy a strip is to wait
/// for memory, and its sums do not need any, so that one comes while the other is summed up.
const float* next_strip(const float* x, const Cut& cut, const Sweep& s, int64_t first) {
    return s.in == s.out ? x + (first + cut.strip_rows) * s.in.width * lanes : nullptr;
}

/// Strips of operand 0, computed on the way or not.
StripReader reader_of(const Geometry& g, const Sweep& s, const Cut& cut, const Reading& reading) {
    return [=, reader = PixelReader(reading)](const Buffers& memory, int64_t image, int64_t first) {
        Pixels    x    = reader.first(memory).from(image * s.in.area() * lanes, image % g.blocks());
        StripView view = read_strip(s, cut, x, 1, first, memory.thread_scratch);
        view.ahead     = next_strip(x.memory, cut, s, first);
        return view;
    };
}

Work sweep_work(const Geometry& g, bool forward, const Reading& reading) {
    Sweep s   = depthwise_sweep(g, forward);
    Cut   cut = cut_of(s, cache_floats, reading.normalised || reading.gradient);
    Stage pack{g.blocks(), [=](const Buffers& memory, int64_t block) {
                   const float* weight = memory.input<float>(1) + block * lanes * g.taps();
                   float*       to     = scratch_of(memory) + block * g.taps() * lanes;
                   for (size_t i = 0; i < s.phases.size(); ++i) {
                       for (int64_t tap = 0; tap < s.phases[i].taps.area(); ++tap) {
                           int64_t from = kernel_tap(g, forward, i, s.phases[i], tap);
                           for (int64_t lane = 0; lane < lanes; ++lane) {
                               bool real = block * lanes + lane < g.channels;
                               *to++     = real ? weight[lane * g.taps() + from] : 0.0f;
                           }
                       }
                   }
               }};
    return {.stages               = {pack, depthwise_stage(g, s, cut, {}, {}, reader_of(g, s, cut, reading))},
            .scratch_bytes        = float_bytes(g.blocks() * g.taps() * lanes),
            .thread_scratch_bytes = float_bytes(cut.strip_floats),
            .algorithm            = "depthwise"};
}

// --- forward

Geometry forward_geometry(const Node& node) {
    return depthwise_geometry(node, depthwise_planes(node, node.inputs[0]), node.inputs[1].shape());
}

Type infer(const Node& node) {
    expect_f32(node);
    return {forward_geometry(node).blocked_y()};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Node& node = y.node();
    Geometry    g    = forward_geometry(node);
    ConvOptions o    = options_of(node);
    return {depthwise_blocked_data_gradient(dy, node.inputs[1], g.x_planes(), o),
            depthwise_blocked_weight_gradient(dy, node.inputs[0], g.weight(), o)};
}

Tensor finished(const Node& node, const Finishing& finishing) {
    const Tensor& weight = node.inputs[1];
    return finishing.empty() && !is_constant(weight)
               ? Tensor()
               : depthwise_finished(node.inputs[0], weight, options_of(node), finishing);
}

const Operator depthwise_blocked_operator{
    .name               = "depthwise_blocked",
    .infer              = infer,
    .gradient           = gradient,
    .work               = [](const Node& node) { return sweep_work(forward_geometry(node), true, {}); },
    .work_reading       = [](const Node&    node,
                       const Reading& reading) { return sweep_work(forward_geometry(node), true, reading); },
    .normalised_operand = 0,
    .finished           = finished,
    .cost               = [](const Node& node) { return cost_of(node, forward_geometry(node)); },
};

// --- finished: inputs x, packed weights, and what is added

Geometry finished_geometry(const Node& node) {
    return depthwise_geometry(node, depthwise_planes(node, node.inputs[0]), Shape(node.integers("weight")));
}

Type finished_infer(const Node& node) {
    expect_f32(node);
    Geometry g = finished_geometry(node);
    expect(node.inputs[1].shape() == g.packed_weight(), "{}: packed weights have shape {}; {} needs {}", node.op->name,
           node.inputs[1].shape(), g.weight(), g.packed_weight());
    expect_finishing(node, 2, g.blocked_y());
    return {g.blocked_y()};
}

Work finished_work(const Node& node, const Reading& reading) {
    Geometry g   = finished_geometry(node);
    Sweep    s   = depthwise_sweep(g, true);
    Cut      cut = cut_of(s, cache_floats, reading.normalised.has_value());
    return {.stages = {depthwise_stage(g, s, cut, 1, FinishingOperands(node, 2), reader_of(g, s, cut, reading))},
            .thread_scratch_bytes = float_bytes(cut.strip_floats),
            .algorithm            = with_finishing("depthwise", node)};
}

const Operator depthwise_finished_operator{
    .name               = "depthwise_finished",
    .infer              = finished_infer,
    .work               = [](const Node& node) { return finished_work(node, {}); },
    .work_reading       = [](const Node& node, const Reading& reading) { return finished_work(node, reading); },
    .normalised_operand = 0,
    .joined             = expanded_depthwise,
    .cost               = [](const Node& node) { return cost_of(node, finished_geometry(node)); },
};

// --- gradient to data: inputs dy, weight

Geometry data_geometry(const Node& node) {
    return depthwise_geometry(node, Shape(node.integers("x")), node.inputs[1].shape());
}

Type data_infer(const Node& node) {
    expect_f32(node);
    Geometry g = data_geometry(node);
    expect_dy(node, g.blocked_y());
    return {blocked_shape(g.x_planes())};
}

Tensors data_gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& from   = y.node().inputs[0];
    const Tensor& weight = y.node().inputs[1];
    ConvOptions   o      = options_of(y.node());
    return {depthwise_blocked(dy, weight, o), depthwise_blocked_weight_gradient(from, dy, weight.shape(), o)};
}

const Operator depthwise_blocked_data_gradient_operator{
    .name           = "depthwise_blocked_data_gradient",
    .infer          = data_infer,
    .gradient       = data_gradient,
    .work           = [](const Node& node) { return sweep_work(data_geometry(node), false, {}); },
    .work_reading   = [](const Node&    node,
                       const Reading& reading) { return sweep_work(data_geometry(node), false, reading); },
    .reads_gradient = [](const Node&) { return true; },
    .cost           = [](const Node& node) { return cost_of(node, data_geometry(node)); },
};

// --- gradient to weights: inputs dy, x

Geometry weight_geometry(const Node& node) {
    return depthwise_geometry(node, depthwise_planes(node, node.inputs[1]), Shape(node.integers("weight")));
}

Type weight_infer(const Node& node) {
    expect_f32(node);
    expect_dy(node, weight_geometry(node).blocked_y());
    return {Shape(node.integers("weight"))};
}

Tensors weight_gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& from = y.node().inputs[0];
    const Tensor& x    = y.node().inputs[1];
    Geometry      g    = weight_geometry(y.node());
    ConvOptions   o    = options_of(y.node());
    return {depthwise_blocked(x, dy, o), depthwise_blocked_data_gradient(from, dy, g.x_planes(), o)};
}

/// Rows [first, end) of one block of one image, from its first row on.
struct Rows {
    Pixels  x, dy;
    int64_t first, end;
    bool    foreseen = false;  ///< whether the rows that follow in memory come next
};

/// A strip of x, then the rows of dy that it is multiplied with, where these are computed.
size_t strip_scratch_bytes(const Geometry& g, const Cut& cut, const Reading& reading) {
    return float_bytes(cut.strip_floats + (reading.gradient ? cut.strip_rows * g.y.width * lanes : 0));
}

/// Adds the products of rows of dy, strip by strip, to `total` [taps, 16].
void add_strips(const Geometry& g, const Sweep& s, const Cut& cut, const Depthwise& kernels, const Rows& rows,
                std::byte* thread_scratch, float* total) {
    for (int64_t first = rows.first; first < rows.end; first += cut.strip_rows) {
        StripView    strip = read_strip(s, cut, rows.x, 1, first, thread_scratch);
        int64_t      count = std::min(cut.strip_rows, rows.end - first);
        Pixels       dy    = rows.dy.from(first * g.y.width * lanes, 0);
        const float* read  = dy.memory;
        if (dy.computed()) {
            auto* copy = reinterpret_cast<float*>(thread_scratch) + cut.strip_floats;
            dy.copy(count * g.y.width, lanes, copy);
            read = copy;
        }
        kernels.sum_over_pixels({.x           = strip.at(first * g.stride.height - g.padding.height, -g.padding.width),
                                 .x_pixel     = g.stride.width * lanes,
                                 .x_row       = g.stride.height * strip.row_floats,
                                 .tap_row     = strip.row_floats,
                                 .tap_rows    = g.kernel.height,
                                 .tap_columns = g.kernel.width,
                                 .dy          = read,
                                 .rows        = count,
                                 .columns     = g.y.width,
                                 .total       = total,
                                 .ahead       = rows.foreseen ? next_strip(rows.x.memory, cut, s, first) : nullptr});
    }
}

/// Writes the gradient to a block's weights, [channels, taps], from [taps, 16].
void write_block(const Geometry& g, int64_t block, const float* total, float* y) {
    for (int64_t lane = 0; lane < std::min(lanes, g.channels - block * lanes); ++lane) {
        for (int64_t tap = 0; tap < g.taps(); ++tap) {
            y[(block * lanes + lane) * g.taps() + tap] = total[tap * lanes + lane];
        }
    }
}

/// Each piece: a block, a fixed share of the batch. The shares are added up in order, in the first one's place.
Work weight_work(const Node& node, const Reading& reading) {
    Geometry          g       = weight_geometry(node);
    Sweep             s       = depthwise_sweep(g, true);
    Cut               cut     = cut_of(s, cache_floats, reading.normalised.has_value());
    const Depthwise*  kernels = &depthwise();
    PixelReader       reader(reading);
    constexpr int64_t enough = 16;
    int64_t           floats = g.taps() * lanes;  // of a block
    int64_t shares = std::clamp<int64_t>(enough / std::max<int64_t>(g.blocks(), 1), 1, std::max<int64_t>(g.images, 1));

    Stage sums{g.blocks() * shares, [=](const Buffers& memory, int64_t piece) {
                   int64_t block = piece % g.blocks();
                   int64_t share = piece / g.blocks();
                   float*  total = scratch_of(memory) + piece * floats;
                   std::fill_n(total, floats, 0.0f);
                   for (int64_t image = g.images * share / shares; image < g.images * (share + 1) / shares; ++image) {
                       int64_t plane = image * g.blocks() + block;
                       add_strips(g, s, cut, *kernels,
                                  {.x     = reader.normalised(memory, 1).from(plane * g.x.area() * lanes, block),
                                   .dy    = reader.gradient(memory, 0).from(plane * g.y.area() * lanes, block),
                                   .first = 0,
                                   .end   = g.y.height},
                                  memory.thread_scratch, total);
                   }
               }};
    Stage add{g.blocks(), [=](const Buffers& memory, int64_t block) {
                  float* total = scratch_of(memory) + block * floats;
                  for (int64_t share = 1; share < shares; ++share) {
                      for (int64_t i = 0; i < floats; ++i) {
                          total[i] += total[share * g.blocks() * floats + i];
                      }
                  }
                  write_block(g, block, total, memory.out<float>());
              }};
    return {.stages               = {sums, add},
            .scratch_bytes        = float_bytes(shares * g.blocks() * floats),
            .thread_scratch_bytes = strip_scratch_bytes(g, cut, reading),
            .algorithm            = "depthwise"};
}

// Along with the gradient to data, which reads dy as well: a sum for each strip, of the pixels of dy where x has those
// that the gradient to data has just written.

constexpr int64_t most_taps = 9;

struct TapSums {
    float total[most_taps * lanes] = {};
};

/// Small images would have as many sums as pixels.
bool beside(const Node& node, const Node& other) {
    if (other.op != &depthwise_blocked_data_gradient_operator) {
        return false;
    }
    constexpr int64_t least_pixels = 64;
    Geometry          g = weight_geometry(node), of_data = data_geometry(other);
    return g.stride.area() == 1 && g.x == g.y && g.x.area() >= least_pixels && g.taps() <= most_taps &&
           g.x == of_data.x && g.kernel == of_data.kernel && g.stride == of_data.stride && g.padding == of_data.padding;
}

Work weight_work_along(const Node& node, Work work, const Alongside& place) {
    Geometry         g       = weight_geometry(node);
    Sweep            s       = depthwise_sweep(g, true);
    Cut              cut     = cut_of(s, cache_floats, place.reading.normalised.has_value());
    const Depthwise* kernels = &depthwise();
    PixelReader      reader(place.reading);
    int64_t          row      = g.y.width * lanes;
    work.thread_scratch_bytes = std::max(work.thread_scratch_bytes, strip_scratch_bytes(g, cut, place.reading));
    return gathering<TapSums>(
        std::move(work), g.blocks(),
        [=](const Buffers& memory, int64_t block, int64_t first_float, int64_t pixels, TapSums& sums) {
            int64_t first = first_float / row % g.y.height;
            add_strips(g, s, cut, *kernels,
                       {.x        = reader.normalised(memory, place.others).from(first_float - first * row, block),
                        .dy       = reader.gradient(memory, 0).from(first_float - first * row, block),
                        .first    = first,
                        .end      = first + pixels / g.y.width,
                        .foreseen = true},
                       memory.thread_scratch, sums.total);
        },
        [=](const Buffers& memory, int64_t block, const auto& for_each_record) {
            TapSums all;
            for_each_record([&](const TapSums& record) {
                for (int64_t i = 0; i < g.taps() * lanes; ++i) {
                    all.total[i] += record.total[i];
                }
            });
            write_block(g, block, all.total, memory.out<float>(place.result));
        });
}

const Operator depthwise_blocked_weight_gradient_operator{
    .name               = "depthwise_blocked_weight_gradient",
    .infer              = weight_infer,
    .gradient           = weight_gradient,
    .work               = [](const Node& node) { return weight_work(node, {}); },
    .work_reading       = [](const Node& node, const Reading& reading) { return weight_work(node, reading); },
    .normalised_operand = 1,
    .reads_gradient     = [](const Node&) { return true; },
    .work_along         = weight_work_along,
    .beside             = beside,
    .cost               = [](const Node& node) { return cost_of(node, weight_geometry(node)); },
};

}  // namespace

Tensor depthwise_blocked(const Tensor& x, const Tensor& weight, const ConvOptions& options) {
    return node(depthwise_blocked_operator, {x, weight}, attributes_of(options));
}

Tensor depthwise_finished(const Tensor& x, const Tensor& weight, const ConvOptions& options,
                          const Finishing& finishing) {
    Tensors    inputs{x, pack_filters(weight, 1)};
    Attributes attributes = attributes_of(options);
    attributes["weight"]  = lengths_of(weight.shape());
    add_finishing(finishing, inputs, attributes);
    return node(depthwise_finished_operator, inputs, attributes);
}

Tensor depthwise_blocked_data_gradient(const Tensor& dy, const Tensor& weight, const Shape& x,
                                       const ConvOptions& options) {
    Attributes attributes = attributes_of(options);
    attributes["x"]       = lengths_of(x);
    return node(depthwise_blocked_data_gradient_operator, {dy, weight}, attributes);
}

Tensor depthwise_blocked_weight_gradient(const Tensor& dy, const Tensor& x, const Shape& weight,
                                         const ConvOptions& options) {
    Attributes attributes = attributes_of(options);
    attributes["weight"]  = lengths_of(weight);
    return node(depthwise_blocked_weight_gradient_operator, {dy, x}, attributes);
}

bool is_depthwise(const Shape& x, const Shape& weight, const ConvOptions& options) {
    return options.groups > 1 && options.groups == x[1] && weight[0] == x[1] && weight[1] == 1 &&
           options.dilation == std::vector<int64_t>{1, 1};
}

}  // namespace hemp
