#include "core/ops/conv2d.h"

#include "core/kernels/gemm.h"
#include "core/kernels/row_products.h"
#include "core/kernels/shifted_rows.h"
#include "core/ops/conv2d_blocked.h"
#include "core/ops/conv2d_winograd.h"
#include "core/ops/convolution.h"
#include "core/ops/depthwise_blocked.h"
#include "core/ops/multiply.h"
#include "core/ops/reshape.h"

#include <algorithm>

// Convolution as matrix products with an image's shifted rows: one algorithm for every stride, padding, dilation and
// grouping, where Winograd's does not pay. The three operators are each other's gradients: all are linear in both
// operands.
//   forward           y  = W rows(x)          an image at a time, the weights packed once
//   gradient to data  dx = rows'(W' dy)       rows' adds each value back to where it came from
//   gradient to W     dW = sum of dy rows(x)' over the images: parts sum a fixed share of the batch, in order
namespace hemp {
namespace {

struct Geometry {
    Window  window;  // of one group of channels
    int64_t images, groups;
    int64_t filters;  // of one group

    int64_t image_floats() const { return window.channels * window.height * window.width; }
    int64_t output_floats() const { return filters * window.positions(); }
    int64_t weight_floats() const { return filters * window.taps(); }

    PlanesConv planes() const { return {window, images, filters}; }
    /// Why it is not faster; empty if it is.
    std::string no_winograd() const { return groups == 1 ? planes().no_winograd() : "Winograd: for one group"; }
};

Geometry geometry(const Node& node, const Shape& x, const Shape& weight) {
    ConvOptions o = options_of(node);
    conv2d_shape(x, weight, o);
    return {.window  = {weight[1], x[2], x[3], weight[2], weight[3], o.stride[0], o.stride[1], o.padding[0],
                        o.padding[1], o.dilation[0], o.dilation[1]},
            .images  = x[0],
            .groups  = o.groups,
            .filters = weight[0] / o.groups};
}

Shape output_shape(const Geometry& g) {
    return {g.images, g.filters * g.groups, g.window.output_height(), g.window.output_width()};
}

/// Why products with shifted rows, and nothing faster.
std::string why_shifted_rows(const Node& node, const Geometry& g) {
    const Window& w = g.window;
    Shape         x{g.images, w.channels * g.groups, w.height, w.width};
    Shape         weight{g.filters * g.groups, w.channels, w.kernel_height, w.kernel_width};
    std::string   blocks = no_blocks(x, weight, options_of(node));
    return blocks + (blocks.empty() ? "" : "; ") + g.no_winograd();
}

Cost cost_of(const Node& node, const Geometry& g) {
    return conv_cost(node, static_cast<double>(g.images * g.groups) * static_cast<double>(g.weight_floats()) *
                               static_cast<double>(g.window.positions()));
}

/// A stage that calls visit(memory, at) for each image and group, in fixed pieces of the batch.
template <class Visit>
Stage for_each_image(const Geometry& g, Visit visit) {
    int64_t pieces = std::clamp<int64_t>(g.images, 1, 32);
    int64_t all    = g.images * g.groups;
    return {pieces, [=](const Buffers& memory, int64_t piece) {
                for (int64_t at = all * piece / pieces; at < all * (piece + 1) / pieces; ++at) {
                    visit(memory, at);
                }
            }};
}

// --- forward

Geometry forward_geometry(const Node& node) { return geometry(node, node.inputs[0].shape(), node.inputs[1].shape()); }

Type infer(const Node& node) {
    expect_f32(node);
    return {output_shape(forward_geometry(node))};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& x      = y.node().inputs[0];
    const Tensor& weight = y.node().inputs[1];
    ConvOptions   o      = options_of(y.node());
    return {conv2d_data_gradient(dy, weight, x.shape(), o), conv2d_weight_gradient(dy, x, weight.shape(), o)};
}

Work work(const Node& node) {
    Geometry g = forward_geometry(node);
    if (g.no_winograd().empty()) {
        return winograd_forward(g.planes());
    }
    const Gemm*          product   = &gemm();
    int64_t              taps      = g.window.taps();
    int64_t              positions = g.window.positions();
    std::vector<int64_t> offsets   = g.window.tap_offsets();

    Stage pack{g.groups, [=](const Buffers& memory, int64_t group) {
                   MatrixView weight{memory.input<float>(1) + group * g.weight_floats(), taps, 1};
                   product->pack_a(weight, g.filters, taps, scratch_of(memory) + group * g.weight_floats());
               }};
    Stage multiply = for_each_image(g, [=](const Buffers& memory, int64_t at) {
        float* shifted = thread_scratch_of(memory);
        shift_rows(g.window, memory.input<float>(0) + at * g.image_floats(), shifted);
        product->multiply_rows(g.filters, positions, taps, scratch_of(memory) + at % g.groups * g.weight_floats(),
                               shifted, offsets.data(), memory.out<float>() + at * g.output_floats(), positions);
    });
    return {.stages               = {pack, multiply},
            .scratch_bytes        = float_bytes(g.groups * g.weight_floats()),
            .thread_scratch_bytes = float_bytes(g.window.shifted_floats() + product->panel_columns),
            .algorithm            = "product with shifted rows",
            .instead              = why_shifted_rows(node, g)};
}

Tensor on_blocks(const Node& node, BlockedOperands& operands) {
    const Shape& x       = node.inputs[0].shape();
    ConvOptions  options = options_of(node);
    if (is_depthwise(x, node.inputs[1].shape(), options)) {
        return depthwise_blocked(operands.blocks(0), operands.planes(1), options);
    }
    if (!no_blocks(x, node.inputs[1].shape(), options).empty()) {
        return {};
    }
    return conv2d_blocked(stays_planar(x) ? operands.planes(0) : operands.blocks(0), operands.planes(1), options);
}

/// Filters can be scaled instead of what they give, unless that is more work.
Tensor scaled(const Node& node, const Tensor& factors) {
    const Tensor& weight = node.inputs[1];
    if (!is_constant(weight) && weight.shape().size() > node.type.shape.size()) {
        return {};
    }
    return conv2d(node.inputs[0], weight * reshape(factors, Shape{factors.shape().size(), 1, 1, 1}), options_of(node));
}

/// Of the depthwise convolutions that have a kernel of their own; others keep all channels.
Tensor on_channels(const Node& node, const Tensors& operands) {
    ConvOptions options = options_of(node);
    if (!is_depthwise(node.inputs[0].shape(), node.inputs[1].shape(), options)) {
        return {};
    }
    options.groups = operands[0].shape()[1];
    return conv2d(operands[0], operands[1], options);
}

Mixing mixing(const Node& node) {
    ConvOptions options = options_of(node);
    if (options.groups != 1) {
        return Mixing::none;
    }
    bool blocks = no_blocks(node.inputs[0].shape(), node.inputs[1].shape(), options).empty();
    return blocks ? Mixing::blocks : Mixing::channels;
}

const Operator conv2d_operator{
    .name        = "conv2d",
    .infer       = infer,
    .gradient    = gradient,
    .work        = work,
    .on_blocks   = on_blocks,
    .scaled      = scaled,
    .on_channels = on_channels,
    .mixing      = mixing,
    .cost        = [](const Node& node) { return cost_of(node, forward_geometry(node)); },
};

// --- gradient to data: inputs dy, weight

Geometry data_geometry(const Node& node) { return geometry(node, Shape(node.integers("x")), node.inputs[1].shape()); }

Type data_infer(const Node& node) {
    expect_f32(node);
    Geometry g = data_geometry(node);
    expect_dy(node, output_shape(g));
    return {Shape(node.integers("x"))};
}

Tensors data_gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& from   = y.node().inputs[0];
    const Tensor& weight = y.node().inputs[1];
    ConvOptions   o      = options_of(y.node());
    return {conv2d(dy, weight, o), conv2d_weight_gradient(from, dy, weight.shape(), o)};
}

Work data_work(const Node& node) {
    Geometry g = data_geometry(node);
    if (g.no_winograd().empty()) {
        return winograd_data_gradient(g.planes());
    }
    const Gemm* product   = &gemm();
    int64_t     rows      = g.window.channels * g.window.kernel_width;  // of the product for one kernel row
    int64_t     taps      = g.window.kernel_height * g.window.kernel_width;
    int64_t     positions = g.window.positions();

    // For each group and kernel row, the weights transposed: [channels * kernel columns, filters].
    Stage pack{
        g.groups * g.window.kernel_height, [=](const Buffers& memory, int64_t piece) {
            int64_t      kernel_row = piece % g.window.kernel_height;
            const float* weight     = memory.input<float>(1) + piece / g.window.kernel_height * g.weight_floats();
            float*       transposed = thread_scratch_of(memory);
            for (int64_t row = 0; row < rows; ++row) {
                int64_t tap = row / g.window.kernel_width * taps + kernel_row * g.window.kernel_width +
                              row % g.window.kernel_width;
                for (int64_t filter = 0; filter < g.filters; ++filter) {
                    transposed[row * g.filters + filter] = weight[filter * g.window.taps() + tap];
                }
            }
            product->pack_a({transposed, g.filters, 1}, rows, g.filters, scratch_of(memory) + piece * rows * g.filters);
        }};
    // Kernel rows one after another: what they add to overlaps, and the order of additions must not depend on tiles.
    Stage   multiply      = for_each_image(g, [=](const Buffers& memory, int64_t at) {
        float*       shifted = thread_scratch_of(memory);
        float*       packed  = shifted + g.window.shifted_floats();
        const float* weights = scratch_of(memory) + at % g.groups * g.window.kernel_height * rows * g.filters;
        product->pack_b({memory.input<float>(0) + at * g.output_floats(), positions, 1}, g.filters, positions, packed);
        std::fill_n(shifted, g.window.shifted_floats(), 0.0f);
        for (int64_t kernel_row = 0; kernel_row < g.window.kernel_height; ++kernel_row) {
            product->multiply(rows, positions, g.filters, weights + kernel_row * rows * g.filters, packed,
                                     shifted + g.window.row_offset(kernel_row), g.window.copy_floats(), true);
        }
        float* image = memory.out<float>() + at * g.image_floats();
        std::fill_n(image, g.image_floats(), 0.0f);
        add_shifted_rows(g.window, shifted, image);
    });
    int64_t image_scratch = g.window.shifted_floats() + g.filters * product->packed_columns(positions);
    return {.stages               = {pack, multiply},
            .scratch_bytes        = float_bytes(g.groups * g.weight_floats()),
            .thread_scratch_bytes = float_bytes(std::max(image_scratch, rows * g.filters)),
            .algorithm            = "product, shifted rows added back",
            .instead              = why_shifted_rows(node, g)};
}

Tensor data_on_blocks(const Node& node, BlockedOperands& operands) {
    Shape       x(node.integers("x"));
    ConvOptions options = options_of(node);
    if (is_depthwise(x, node.inputs[1].shape(), options)) {
        return depthwise_blocked_data_gradient(operands.blocks(0), operands.planes(1), x, options);
    }
    if (!no_blocks(x, node.inputs[1].shape(), options).empty()) {
        return {};
    }
    return conv2d_blocked_data_gradient(operands.blocks(0), operands.planes(1), x, options);
}

const Operator conv2d_data_gradient_operator{
    .name      = "conv2d_data_gradient",
    .infer     = data_infer,
    .gradient  = data_gradient,
    .work      = data_work,
    .on_blocks = data_on_blocks,
    .cost      = [](const Node& node) { return cost_of(node, data_geometry(node)); },
};

// --- gradient to weights: inputs dy, x

Geometry weight_geometry(const Node& node) {
    return geometry(node, node.inputs[1].shape(), Shape(node.integers("weight")));
}

Type weight_infer(const Node& node) {
    expect_f32(node);
    Geometry g = weight_geometry(node);
    expect_dy(node, output_shape(g));
    return {Shape(node.integers("weight"))};
}

Tensors weight_gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& from = y.node().inputs[0];
    const Tensor& x    = y.node().inputs[1];
    ConvOptions   o    = options_of(y.node());
    return {conv2d(x, dy, o), conv2d_data_gradient(from, dy, x.shape(), o)};
}

Work weight_work(const Node& node) {
    Geometry g = weight_geometry(node);
    if (g.no_winograd().empty()) {
        return winograd_weight_gradient(g.planes());
    }
    int64_t              parts   = std::clamp<int64_t>(g.images, 1, 8);  // of the batch, each with its own sum
    int64_t              floats  = g.weight_floats();
    int64_t              shifted = g.window.shifted_floats();
    std::vector<int64_t> offsets = g.window.tap_offsets();
    // Images whose shifted rows are made at once: many for long sums, few enough to stay in the cache.
    constexpr int64_t cache_floats = 1 << 17;
    int64_t           together     = std::clamp<int64_t>(cache_floats / std::max<int64_t>(shifted, 1), 1, 32);

    Stage   multiply{parts * g.groups, [=](const Buffers& memory, int64_t piece) {
                       int64_t part  = piece / g.groups;
                       int64_t group = piece % g.groups;
                       float*  rows  = thread_scratch_of(memory);
                       float*  total = scratch_of(memory) + piece * floats;
                       int64_t first = g.images * part / parts;
                       int64_t last  = g.images * (part + 1) / parts;
                       if (first == last) {
                           std::fill_n(total, floats, 0.0f);
                       }
                       for (int64_t image = first; image < last; image += together) {
                           int64_t count = std::min(together, last - image);
                           for (int64_t i = 0; i < count; ++i) {
                               int64_t at = (image + i) * g.groups + group;
                               shift_rows(g.window, memory.input<float>(1) + at * g.image_floats(), rows + i * shifted);
                           }
                           sum_row_products(
                                 {.rows      = g.filters,
                                  .columns   = g.window.taps(),
                                  .length    = g.window.positions(),
                                  .repeats   = count,
                                  .a         = memory.input<float>(0) + (image * g.groups + group) * g.output_floats(),
                                  .a_row     = g.window.positions(),
                                  .a_repeat  = g.groups * g.output_floats(),
                                  .b         = rows,
                                  .b_offsets = offsets.data(),
                                  .b_repeat  = shifted,
                                  .c         = total},
                                 image > first);
                       }
                   }};
    int64_t blocks = std::clamp<int64_t>(floats * g.groups / 4096, 1, 16);
    Stage   add{blocks, [=](const Buffers& memory, int64_t piece) {
                  const float* totals = scratch_of(memory);
                  int64_t      all    = floats * g.groups;
                  for (int64_t i = all * piece / blocks; i < all * (piece + 1) / blocks; ++i) {
                      float sum = 0;
                      for (int64_t part = 0; part < parts; ++part) {
                          sum += totals[part * all + i];
                      }
                      memory.out<float>()[i] = sum;
                  }
              }};
    return {.stages               = {multiply, add},
            .scratch_bytes        = float_bytes(parts * g.groups * floats),
            .thread_scratch_bytes = float_bytes(together * shifted),
            .algorithm            = "products with shifted rows, parts of the batch summed in order",
            .instead              = why_shifted_rows(node, g)};
}

Tensor weight_on_blocks(const Node& node, BlockedOperands& operands) {
    const Shape& x = node.inputs[1].shape();
    Shape        weight(node.integers("weight"));
    ConvOptions  options = options_of(node);
    if (is_depthwise(x, weight, options)) {
        return depthwise_blocked_weight_gradient(operands.blocks(0), operands.blocks(1), weight, options);
    }
    if (!no_blocks(x, weight, options).empty()) {
        return {};
    }
    return conv2d_blocked_weight_gradient(operands.blocks(0), stays_planar(x) ? operands.planes(1) : operands.blocks(1),
                                          weight, options);
}

const Operator conv2d_weight_gradient_operator{
    .name      = "conv2d_weight_gradient",
    .infer     = weight_infer,
    .gradient  = weight_gradient,
    .work      = weight_work,
    .on_blocks = weight_on_blocks,
    .cost      = [](const Node& node) { return cost_of(node, weight_geometry(node)); },
};

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const ConvOptions& options) {
    return node(conv2d_operator, {x, weight}, attributes_of(options));
}

Tensor conv2d_data_gradient(const Tensor& dy, const Tensor& weight, const Shape& x, const ConvOptions& options) {
    Attributes attributes = attributes_of(options);
    attributes["x"]       = lengths_of(x);
    return node(conv2d_data_gradient_operator, {dy, weight}, attributes);
}

Tensor conv2d_weight_gradient(const Tensor& dy, const Tensor& x, const Shape& weight, const ConvOptions& options) {
    Attributes attributes = attributes_of(options);
    attributes["weight"]  = lengths_of(weight);
    return node(conv2d_weight_gradient_operator, {dy, x}, attributes);
}

}  // namespace hemp
