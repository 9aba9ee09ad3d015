#include "core/ops/pool.h"

#include "core/kernels/direct_conv.h"
#include "core/kernels/dispatch.h"
#include "core/operator.h"
#include "core/ops/convolution.h"
#include "core/ops/pixels.h"
#include "core/ops/reduce.h"

#include <algorithm>
#include <bit>

// Pooling. The gradient of the maximum finds the place of each maximum again (x and y are there) instead of storing it.
// The gradient of the mean is its own operator, linear in dy, whose gradient is the mean again.
namespace hemp {
namespace {

struct Geometry {
    int64_t planes, height, width;  // planes: images x channels, or images x blocks of channels
    int64_t lanes;                  // channels of a plane
    int64_t window_height, window_width, stride_height, stride_width, pad_height, pad_width;

    int64_t output_height() const { return (height + 2 * pad_height - window_height) / stride_height + 1; }
    int64_t output_width() const { return (width + 2 * pad_width - window_width) / stride_width + 1; }
};

Geometry geometry(const Node& node, const Shape& x) {
    const std::vector<int64_t>& window  = node.integers("window");
    const std::vector<int64_t>& stride  = node.integers("stride");
    const std::vector<int64_t>& padding = node.integers("padding");
    expect(x.rank() == 4 || (x.rank() == 5 && x[4] == channel_block),
           "{}: x has shape {}; it needs four axes (images, channels, rows, columns)", node.op->name, x);
    expect(window.size() == 2 && stride.size() == 2 && padding.size() == 2,
           "{}: window, stride and padding need two numbers each (rows, columns)", node.op->name);
    Geometry g{x[0] * x[1], x[2],       x[3],      x.rank() == 5 ? channel_block : 1, window[0], window[1], stride[0],
               stride[1],   padding[0], padding[1]};
    expect(std::min({window[0], window[1], stride[0], stride[1]}) >= 1 && std::min(padding[0], padding[1]) >= 0 &&
               2 * padding[0] <= window[0] && 2 * padding[1] <= window[1],
           "{}: window and stride must be at least 1, padding between 0 and half the window", node.op->name);
    expect(x[2] >= 1 && x[3] >= 1 && x[2] + 2 * padding[0] >= window[0] && x[3] + 2 * padding[1] >= window[1],
           "{}: a window of {} x {} does not fit into x {} with this padding", node.op->name, window[0], window[1], x);
    return g;
}

/// Rows and columns of the plane under one position of the window, [first, last).
struct Under {
    int64_t first_row, last_row, first_column, last_column;

    Under(const Geometry& g, int64_t i, int64_t j) {
        int64_t row    = i * g.stride_height - g.pad_height;
        int64_t column = j * g.stride_width - g.pad_width;
        first_row      = std::max<int64_t>(row, 0);
        last_row       = std::min(row + g.window_height, g.height);
        first_column   = std::max<int64_t>(column, 0);
        last_column    = std::min(column + g.window_width, g.width);
    }
};

/// The usual pooling, whose windows do not overlap, has loops of its own that the compiler vectorises.
bool two_by_two(const Geometry& g) {
    return g.window_height == 2 && g.window_width == 2 && g.stride_height == 2 && g.stride_width == 2 &&
           g.pad_height == 0 && g.pad_width == 0 && g.lanes == 1;
}

/// Work that treats each plane on its own: body(memory, plane).
template <class Body>
Work plane_work(const Geometry& g, Body body) {
    int64_t pieces =
        std::clamp<int64_t>(g.planes * g.lanes * g.height * g.width / 8192, 1, std::clamp<int64_t>(g.planes, 1, 32));
    return {.stages = {{pieces, [=](const Buffers& memory, int64_t piece) {
                            for (int64_t plane = g.planes * piece / pieces; plane < g.planes * (piece + 1) / pieces;
                                 ++plane) {
                                body(memory, plane);
                            }
                        }}}};
}

Cost cost(const Node& node) {
    Shape  window(node.integers("window"));
    double bytes = static_cast<double>(node.type.bytes());
    for (const Tensor& input : node.inputs) {
        bytes += static_cast<double>(input.type().bytes());
    }
    double outputs = static_cast<double>(std::min(node.type.shape.size(), node.inputs[0].shape().size()));
    return {.flop = outputs * static_cast<double>(window.size()), .bytes = bytes};
}

Type infer(const Node& node) {
    expect_f32(node);
    const Shape& x = node.inputs[0].shape();
    Geometry     g = geometry(node, x);
    if (x.rank() == 5) {
        return {Shape{x[0], x[1], g.output_height(), g.output_width(), channel_block}};
    }
    return {Shape{x[0], x[1], g.output_height(), g.output_width()}};
}

/// The same operator on blocks when its first operand is in blocks.
Tensor on_blocks(const Node& node, BlockedOperands& operands) {
    if (!operands.in_blocks(0)) {
        return {};
    }
    Tensors inputs;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
        inputs.push_back(operands.blocks(i));
    }
    return hemp::node(*node.op, inputs, node.attributes);
}

Tensor on_channels(const Node& node, const Tensors& operands) {
    return hemp::node(*node.op, operands, node.attributes);
}

// --- maximum

/// The larger of two; NaN where either is.
float larger(float value, float top) { return value > top || value != value ? value : top; }

extern const Operator max_pool_gradient_operator;

Tensors max_gradient(const Tensor& y, const Tensor& dy) {
    return {node(max_pool_gradient_operator, {y.node().inputs[0], y, dy}, y.node().attributes)};
}

/// The channels of a pixel as a window reads them.
template <class V>
struct AsTheyAre {
    HEMP_INLINE                   AsTheyAre(const Normalisation&, int64_t) {}
    HEMP_INLINE typename V::Float operator()(typename V::Float x) const { return x; }
};

/// Of a plane of blocks: all channels of a pixel at once.
template <template <class> class Read>
struct MaxOfBlocks {
    template <class V>
    HEMP_INLINE static void run(const Geometry& g, const Normalisation& normalisation, const float* x, float* y) {
        for (int64_t lane = 0; lane < channel_block; lane += V::width) {
            Read<V> read(normalisation, lane);
            float*  to = y + lane;
            for (int64_t i = 0; i < g.output_height(); ++i) {
                for (int64_t j = 0; j < g.output_width(); ++j) {
                    Under u(g, i, j);
                    auto  top = read(V::load(x + (u.first_row * g.width + u.first_column) * channel_block + lane));
                    for (int64_t row = u.first_row; row < u.last_row; ++row) {
                        for (int64_t column = u.first_column; column < u.last_column; ++column) {
                            auto value = read(V::load(x + (row * g.width + column) * channel_block + lane));
                            top        = V::largest(top, value);
                        }
                    }
                    V::store(to, top);
                    to += channel_block;
                }
            }
        }
    }
};

/// The kernel for operands that are read through a Normalisation, or not.
template <template <template <class> class> class Kernel, class Signature>
Signature* reading_kernel(const Reading& reading) {
    return reading.normalised ? kernel<Kernel<NormalisationOf>, Signature>() : kernel<Kernel<AsTheyAre>, Signature>();
}

Work max_work(const Node& node, const Reading& reading) {
    Geometry g       = geometry(node, node.inputs[0].shape());
    int64_t  outputs = g.output_height() * g.output_width();
    int64_t  blocks  = node.inputs[0].shape()[1];
    bool     two     = two_by_two(g);
    if (g.lanes > 1) {
        auto run =
            reading_kernel<MaxOfBlocks, void(const Geometry&, const Normalisation&, const float*, float*)>(reading);
        return plane_work(g, [=](const Buffers& memory, int64_t plane) {
            run(g, normalisation_of(reading, memory).from_block(plane % blocks),
                memory.input<float>(0) + plane * g.height * g.width * channel_block,
                memory.out<float>() + plane * outputs * channel_block);
        });
    }
    return plane_work(g, [=](const Buffers& memory, int64_t plane) {
        const float* x = memory.input<float>(0) + plane * g.height * g.width;
        float*       y = memory.out<float>() + plane * outputs;
        for (int64_t i = 0; i < g.output_height(); ++i) {
            for (int64_t j = 0; two && j < g.output_width(); ++j) {
                const float* a   = x + 2 * i * g.width + 2 * j;
                float        top = a[0];
                top              = larger(a[1], top);
                top              = larger(a[g.width], top);
                top              = larger(a[g.width + 1], top);
                *y++             = top;
            }
            for (int64_t j = 0; !two && j < g.output_width(); ++j) {
                Under u(g, i, j);
                float top = x[u.first_row * g.width + u.first_column];
                for (int64_t row = u.first_row; row < u.last_row; ++row) {
                    for (int64_t column = u.first_column; column < u.last_column; ++column) {
                        top = larger(x[row * g.width + column], top);
                    }
                }
                *y++ = top;
            }
        }
    });
}

const Operator max_pool_operator{
    .name               = "max_pool",
    .infer              = infer,
    .gradient           = max_gradient,
    .work               = [](const Node& node) { return max_work(node, {}); },
    .work_reading       = [](const Node& node, const Reading& reading) { return max_work(node, reading); },
    .normalised_operand = 0,
    .on_blocks          = on_blocks,
    .on_channels        = on_channels,
    .cost               = cost,
};

Type max_gradient_infer(const Node& node) { return node.inputs[0].type(); }

/// The gradient of a row of maxima of 2 x 2: to the first place that equals the maximum, to the first of all if none
/// does (NaN). Masks instead of branches, which would be guessed wrong half of the time.
void spread_two_by_two(const float* __restrict x, const float* __restrict y, const float* __restrict dy,
                       int64_t outputs, int64_t width, float* __restrict dx) {
    auto mask = [](bool set) { return -static_cast<uint32_t>(set); };
    for (int64_t j = 0; j < outputs; ++j) {
        const float* from  = x + 2 * j;
        float*       to    = dx + 2 * j;
        uint32_t     slope = std::bit_cast<uint32_t>(dy[j]);
        uint32_t     b     = mask(from[1] == y[j]);
        uint32_t     c     = mask(from[width] == y[j]);
        uint32_t     d     = mask(from[width + 1] == y[j]);
        uint32_t     a     = mask(from[0] == y[j]) | ~(b | c | d);
        to[0]              = std::bit_cast<float>(slope & a);
        to[1]              = std::bit_cast<float>(slope & b & ~a);
        to[width]          = std::bit_cast<float>(slope & c & ~(a | b));
        to[width + 1]      = std::bit_cast<float>(slope & ~(a | b | c));
    }
}

/// Each window hands dy to the first place that equals the maximum, and what is left (NaN) to the first of all.
template <template <class> class Read>
struct MaxGradientOfBlocks {
    template <class V>
    HEMP_INLINE static void run(const Geometry& g, const Normalisation& normalisation, const float* x, const float* y,
                                const float* dy, float* dx) {
        std::fill_n(dx, g.height * g.width * channel_block, 0.0f);
        auto none = V::all(0.0f);
        for (int64_t lane = 0; lane < channel_block; lane += V::width) {
            Read<V> read(normalisation, lane);
            int64_t out = lane;
            for (int64_t i = 0; i < g.output_height(); ++i) {
                for (int64_t j = 0; j < g.output_width(); ++j, out += channel_block) {
                    Under u(g, i, j);
                    auto  top  = V::load(y + out);
                    auto  left = V::load(dy + out);
                    for (int64_t row = u.first_row; row < u.last_row; ++row) {
                        for (int64_t column = u.first_column; column < u.last_column; ++column) {
                            int64_t at    = (row * g.width + column) * channel_block + lane;
                            auto    found = read(V::load(x + at)) == top;
                            V::store(dx + at, V::load(dx + at) + (found ? left : none));
                            left = found ? none : left;
                        }
                    }
                    int64_t first = (u.first_row * g.width + u.first_column) * channel_block + lane;
                    V::store(dx + first, V::load(dx + first) + left);
                }
            }
        }
    }
};

Work max_gradient_work(const Node& node, const Reading& reading) {
    Geometry g       = geometry(node, node.inputs[0].shape());
    int64_t  outputs = g.output_height() * g.output_width();
    int64_t  blocks  = node.inputs[0].shape()[1];
    bool     two     = two_by_two(g);
    if (g.lanes > 1) {
        auto run = reading_kernel<MaxGradientOfBlocks, void(const Geometry&, const Normalisation&, const float*,
                                                            const float*, const float*, float*)>(reading);
        return plane_work(g, [=](const Buffers& memory, int64_t plane) {
            int64_t in = plane * g.height * g.width * channel_block, out = plane * outputs * channel_block;
            run(g, normalisation_of(reading, memory).from_block(plane % blocks), memory.input<float>(0) + in,
                memory.input<float>(1) + out, memory.input<float>(2) + out, memory.out<float>() + in);
        });
    }
    return plane_work(g, [=](const Buffers& memory, int64_t plane) {
        const float* x  = memory.input<float>(0) + plane * g.height * g.width;
        const float* y  = memory.input<float>(1) + plane * outputs;
        const float* dy = memory.input<float>(2) + plane * outputs;
        float*       dx = memory.out<float>() + plane * g.height * g.width;
        std::fill_n(dx, g.height * g.width, 0.0f);
        for (int64_t i = 0; two && i < g.output_height(); ++i) {
            int64_t row = i * g.output_width();
            spread_two_by_two(x + 2 * i * g.width, y + row, dy + row, g.output_width(), g.width, dx + 2 * i * g.width);
        }
        for (int64_t i = 0; !two && i < g.output_height(); ++i) {
            for (int64_t j = 0; j < g.output_width(); ++j, ++y, ++dy) {
                Under   u(g, i, j);
                int64_t place = u.first_row * g.width + u.first_column;
                for (int64_t row = u.last_row - 1; row >= u.first_row; --row) {
                    for (int64_t column = u.last_column - 1; column >= u.first_column; --column) {
                        place = x[row * g.width + column] == *y ? row * g.width + column : place;
                    }
                }
                dx[place] += *dy;
            }
        }
    });
}

const Operator max_pool_gradient_operator{
    .name               = "max_pool_gradient",
    .infer              = max_gradient_infer,
    .work               = [](const Node& node) { return max_gradient_work(node, {}); },
    .work_reading       = [](const Node& node, const Reading& reading) { return max_gradient_work(node, reading); },
    .normalised_operand = 0,
    .on_blocks          = on_blocks,
    .cost               = cost,
};

// --- mean

extern const Operator average_pool_gradient_operator;

Tensors average_gradient(const Tensor& y, const Tensor& dy) {
    Attributes   attributes = y.node().attributes;
    const Shape& x          = y.node().inputs[0].shape();
    attributes["x"]         = std::vector<int64_t>(x.begin(), x.end());
    return {node(average_pool_gradient_operator, {dy}, attributes)};
}

Type average_infer(const Node& node) {
    const Shape& x = node.inputs[0].shape();
    expect(x.rank() == 4, "{}: x has shape {}; it needs four axes (images, channels, rows, columns)", node.op->name, x);
    return infer(node);
}

Work average_work(const Node& node) {
    Geometry g       = geometry(node, node.inputs[0].shape());
    int64_t  outputs = g.output_height() * g.output_width();
    return plane_work(g, [=](const Buffers& memory, int64_t plane) {
        const float* x = memory.input<float>(0) + plane * g.height * g.width;
        float*       y = memory.out<float>() + plane * outputs;
        for (int64_t i = 0; i < g.output_height(); ++i) {
            for (int64_t j = 0; j < g.output_width(); ++j) {
                Under u(g, i, j);
                float total = 0;
                for (int64_t row = u.first_row; row < u.last_row; ++row) {
                    for (int64_t column = u.first_column; column < u.last_column; ++column) {
                        total += x[row * g.width + column];
                    }
                }
                *y++ = total / static_cast<float>((u.last_row - u.first_row) * (u.last_column - u.first_column));
            }
        }
    });
}

const Operator average_pool_operator{.name        = "average_pool",
                                     .infer       = average_infer,
                                     .gradient    = average_gradient,
                                     .work        = average_work,
                                     .on_channels = on_channels,
                                     .cost        = cost};

Type average_gradient_infer(const Node& node) { return {Shape(node.integers("x"))}; }

Tensors average_gradient_gradient(const Tensor& y, const Tensor& dy) {
    Attributes attributes = y.node().attributes;
    attributes.erase("x");
    return {node(average_pool_operator, {dy}, attributes)};
}

Work average_gradient_work(const Node& node) {
    Geometry g       = geometry(node, node.type.shape);
    int64_t  outputs = g.output_height() * g.output_width();
    return plane_work(g, [=](const Buffers& memory, int64_t plane) {
        const float* dy = memory.input<float>(0) + plane * outputs;
        float*       dx = memory.out<float>() + plane * g.height * g.width;
        std::fill_n(dx, g.height * g.width, 0.0f);
        for (int64_t i = 0; i < g.output_height(); ++i) {
            for (int64_t j = 0; j < g.output_width(); ++j) {
                Under u(g, i, j);
                float share = *dy++ / static_cast<float>((u.last_row - u.first_row) * (u.last_column - u.first_column));
                for (int64_t row = u.first_row; row < u.last_row; ++row) {
                    for (int64_t column = u.first_column; column < u.last_column; ++column) {
                        dx[row * g.width + column] += share;
                    }
                }
            }
        }
    });
}

const Operator average_pool_gradient_operator{.name     = "average_pool_gradient",
                                              .infer    = average_gradient_infer,
                                              .gradient = average_gradient_gradient,
                                              .work     = average_gradient_work,
                                              .cost     = cost};

Attributes attributes_of(const PoolOptions& o) {
    return {{"window", o.window}, {"stride", o.stride.empty() ? o.window : o.stride}, {"padding", o.padding}};
}

}  // namespace

Tensor max_pool(const Tensor& x, const PoolOptions& options) {
    return node(max_pool_operator, {x}, attributes_of(options));
}
Tensor average_pool(const Tensor& x, const PoolOptions& options) {
    return node(average_pool_operator, {x}, attributes_of(options));
}
Tensor global_average_pool(const Tensor& x) { return mean(x, {.axes = {2, 3}}); }
Tensor global_max_pool(const Tensor& x) { return max(x, {.axes = {2, 3}}); }

}  // namespace hemp
