#include "core/ops/expanded_depthwise.h"

#include "core/kernels/direct_conv.h"
#include "core/ops/conv2d_blocked.h"
#include "core/ops/convolution.h"
#include "core/ops/depthwise_sweep.h"
#include "core/ops/pack_filters.h"

// Inputs: x, packed weights of the expansion, packed weights of the depthwise convolution, what finishes the expansion,
// what finishes the result. A piece expands into thread scratch: its rows with zeros around them, which the depthwise
// kernel then reads from the cache. Rows where strips meet are expanded twice.
namespace hemp {
namespace {

constexpr int64_t lanes        = channel_block;
constexpr int64_t cache_floats = 24 << 10;  // of a strip: more than L1, so that few rows are expanded twice
constexpr auto    expansion    = "expansion_";

struct Geometry {
    DepthwiseGeometry depthwise;
    int64_t           channels;  ///< of x

    int64_t       x_blocks() const { return blocks_of(channels); }
    FilterPacking packing() const { return {depthwise.channels, channels, 1, lanes}; }
    Sweep         sweep() const { return depthwise_sweep(depthwise, true); }
};

Geometry geometry(const Node& node) {
    const Shape& x        = node.inputs[0].shape();
    int64_t      channels = node.integer("channels");
    int64_t      expanded = node.integer("groups");
    expect(x.rank() == 5 && x[4] == lanes && x[1] == blocks_of(channels),
           "{}: x has shape {}, but it is to have {} channels in blocks of {}", node.op->name, x, channels, lanes);
    return {depthwise_geometry(node, {x[0], expanded, x[2], x[3]}, Shape(node.integers("weight"))), channels};
}

Type infer(const Node& node) {
    expect_f32(node);
    Geometry                 g = geometry(node);
    const DepthwiseGeometry& d = g.depthwise;
    Shape                    packed{d.blocks(), g.x_blocks(), 1, lanes, lanes};
    expect(node.inputs[1].shape() == packed && node.inputs[2].shape() == d.packed_weight(),
           "{}: packed weights have shapes {} and {}; {} channels and {} need {} and {}", node.op->name,
           node.inputs[1].shape(), node.inputs[2].shape(), g.channels, d.weight(), packed, d.packed_weight());
    size_t others = 3 + count_finishing(node, expansion);
    expect_finishing(node, 3, {d.images, d.blocks(), d.x.height, d.x.width, lanes}, expansion);
    expect_finishing(node, others, d.blocked_y());
    return {d.blocked_y()};
}

StripReader expanding_reader(const Geometry& g, const Sweep& sweep, const Cut& cut,
                             const FinishingOperands& finishing) {
    const DirectConv*    kernels = &direct_conv();
    int64_t              area    = g.depthwise.x.area();
    std::vector<int64_t> offsets;
    for (int64_t block = 0; block < g.x_blocks(); ++block) {
        offsets.push_back(block * area * lanes);
    }
    return [=](const Buffers& memory, int64_t image, int64_t first) {
        const DepthwiseGeometry& d     = g.depthwise;
        int64_t                  block = image % d.blocks();
        const float*             x     = memory.input<float>(0) + image / d.blocks() * g.x_blocks() * area * lanes;
        float*                   to    = thread_scratch_of(memory);
        Strip                    strip = sweep.strip(first, first + cut.strip_rows);
        StripView view{to, strip, lanes, strip.columns() * lanes, strip.rows() * strip.columns() * lanes};
        Strip     inner = strip.inside(d.x);
        zero_around(strip, inner, lanes, to);
        kernels->convolve({.x              = x + (inner.top * d.x.width + inner.left) * lanes,
                           .x_pixel        = lanes,
                           .x_row          = d.x.width * lanes,
                           .offsets        = offsets.data(),
                           .segments       = g.x_blocks(),
                           .length         = lanes,
                           .weights        = memory.input<float>(1) + block * g.packing().block_floats(),
                           .y              = to + strip.place(inner.top, inner.left) * lanes,
                           .y_pixel        = lanes,
                           .y_row          = view.row_floats,
                           .rows           = inner.rows(),
                           .columns        = inner.columns(),
                           .finish         = finishing.at(memory, block, 0),
                           .short_segments = g.channels % lanes == 0 ? 0 : 1,
                           .short_length   = g.channels % lanes});
        return view;
    };
}

Cut cut_of_expanded(const Sweep& sweep) { return cut_of(sweep, cache_floats, true); }

/// Rows that all strips of an image expand; some are expanded twice.
int64_t expanded_rows(const Geometry& g) {
    Sweep   sweep = g.sweep();
    Cut     cut   = cut_of_expanded(sweep);
    int64_t rows  = 0;
    for (int64_t first = 0; first < sweep.rows(); first += cut.strip_rows) {
        rows += sweep.strip(first, first + cut.strip_rows).inside(g.depthwise.x).rows();
    }
    return rows;
}

/// Twice is cheaper than through memory, but not for tall kernels.
bool pays(const Geometry& g) { return 5 * expanded_rows(g) <= 6 * g.depthwise.x.height; }

Work work(const Node& node) {
    Geometry          g     = geometry(node);
    Sweep             sweep = g.sweep();
    Cut               cut   = cut_of_expanded(sweep);
    FinishingOperands expanded(node, 3, expansion), finished(node, 3 + count_finishing(node, expansion));
    return {
        .stages = {depthwise_stage(g.depthwise, sweep, cut, 2, finished, expanding_reader(g, sweep, cut, expanded))},
        .thread_scratch_bytes = float_bytes(cut.strip_floats),
        .algorithm            = with_finishing("expanded strip by strip, depthwise", node)};
}

Cost cost(const Node& node) {
    Geometry g        = geometry(node);
    double   expanded = static_cast<double>(g.depthwise.images * g.depthwise.channels * g.channels) *
                      static_cast<double>(expanded_rows(g) * g.depthwise.x.width);
    return conv_cost(node, expanded + g.depthwise.products());
}

const Operator expanded_depthwise_operator{
    .name  = "expanded_depthwise",
    .infer = infer,
    .work  = work,
    .cost  = cost,
};

}  // namespace

Tensor expanded_depthwise(const Node& depthwise) {
    const Tensor& operand = depthwise.inputs[0];
    if (!is_pointwise_finished(operand)) {
        return {};
    }
    const Node& expanding  = operand.node();
    Tensors     inputs     = {expanding.inputs[0], expanding.inputs[1], depthwise.inputs[1]};
    Attributes  attributes = attributes_of(options_of(depthwise));
    attributes["weight"]   = depthwise.integers("weight");
    attributes["channels"] = expanding.integers("weight")[1];
    add_finishing(finishing_of(expanding, 2), inputs, attributes, expansion);
    add_finishing(finishing_of(depthwise, 2), inputs, attributes);
    Tensor joined = node(expanded_depthwise_operator, inputs, attributes);
    return pays(geometry(joined.node())) ? joined : Tensor();
}

}  // namespace hemp
