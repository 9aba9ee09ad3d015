#include "core/ops/conv2d_winograd.h"

#include "core/kernels/gemm.h"
#include "core/kernels/row_products.h"
#include "core/kernels/winograd_planes.h"
#include "core/ops/convolution.h"

#include <fmt/core.h>

#include <algorithm>

namespace hemp {
namespace {

constexpr int64_t     points        = 36;
constexpr int64_t     widest_panel  = 32;  // of the products, on any instruction set
constexpr const char* winograd_name = "Winograd F(2x2, 5x5)";

PlaneTiles tiles_of(const PlanesConv& c) {
    return {c.window.height, c.window.width, c.window.pad_height, c.window.pad_width};
}

/// Images whose tiles are multiplied at once, and rows of points that hold them.
struct Batch {
    int64_t images, pieces, stride;

    /// At most so many tiles, but at least one image.
    Batch(const PlanesConv& c, int64_t most_tiles) {
        int64_t tiles = tiles_of(c).count();
        images        = std::clamp<int64_t>(most_tiles / tiles, 1, std::max<int64_t>(c.images, 1));
        pieces        = (c.images + images - 1) / images;
        // Whole panels, and room for what a last vector writes beyond.
        stride = (images * tiles + (tiles % 16 == 0 ? 0 : 15) + widest_panel - 1) / widest_panel * widest_panel;
    }
    /// From the rows of a point to those of the next, with a cache line between: 36 streams at a power of two would
    /// share a cache set.
    int64_t point_stride(int64_t rows) const { return rows * stride + 16; }
    /// Of all points; products read to the end of a panel.
    int64_t floats(int64_t rows) const { return points * point_stride(rows) + widest_panel; }
    /// Of an image that starts with tile `first`.
    PointRows rows(float* data, int64_t rows, int64_t first) const {
        return {data + first, stride, point_stride(rows)};
    }
};

std::vector<int64_t> row_offsets(int64_t rows, int64_t stride) {
    std::vector<int64_t> offsets;
    for (int64_t row = 0; row < rows; ++row) {
        offsets.push_back(row * stride);
    }
    return offsets;
}

/// Products at all points, [rows, tiles] = u [rows, depth] times [depth, tiles], where u is packed. Some rows at a
/// time, so that what they give at all points stays in L1 until it is transformed.
struct PointProducts {
    int64_t              rows, depth, groups;
    Batch                batch;
    const Gemm*          product = &gemm();
    std::vector<int64_t> offsets;

    static constexpr int64_t rows_together = 14;  // of a tile of the product

    PointProducts(int64_t result_rows, int64_t operand_rows, const Batch& b)
        : rows(result_rows),
          depth(operand_rows),
          groups((result_rows + rows_together - 1) / rows_together),
          batch(b),
          offsets(row_offsets(operand_rows, b.stride)) {}

    int64_t first_row(int64_t group) const { return rows * group / groups; }
    int64_t result_floats() const { return batch.floats(std::min(rows, rows_together)); }

    /// u at a point, to its place among all.
    void pack(int64_t point, const MatrixView& u, float* packed) const {
        for (int64_t group = 0; group < groups; ++group) {
            int64_t    first = first_row(group);
            MatrixView part{u.data + first * u.row_stride, u.row_stride, u.column_stride};
            product->pack_a(part, first_row(group + 1) - first, depth, packed + (point * rows + first) * depth);
        }
    }
    /// The rows of a group, into `to` with batch.point_stride of as many.
    void run(int64_t group, int64_t tiles, const float* packed, const float* from, float* to) const {
        int64_t first = first_row(group), count = first_row(group + 1) - first;
        for (int64_t point = 0; point < points; ++point) {
            product->multiply_rows(count, tiles, depth, packed + (point * rows + first) * depth,
                                   from + point * batch.point_stride(depth), offsets.data(),
                                   to + point * batch.point_stride(count), batch.stride);
        }
    }
};

/// Stages that leave u [36], packed, behind u itself in scratch: [K, C] each, or transposed.
std::vector<Stage> pack_stages(const PlanesConv& c, const PointProducts& products, bool transposed) {
    int64_t filters = c.filters, channels = c.window.channels, floats = filters * channels;
    Stage   transform{filters, [=](const Buffers& memory, int64_t filter) {
                        filters_to_points(channels, memory.input<float>(1) + filter * channels * 25,
                                            scratch_of(memory) + filter * channels, floats);
                    }};
    Stage   pack{points, [=](const Buffers& memory, int64_t point) {
                   MatrixView u{scratch_of(memory) + point * floats, channels, 1};
                   if (transposed) {
                       std::swap(u.row_stride, u.column_stride);
                   }
                   products.pack(point, u, scratch_of(memory) + points * floats);
               }};
    return {transform, pack};
}

/// Tiles that are multiplied at once: as many as a product's panel is wide.
constexpr int64_t tiles_together = widest_panel;

}  // namespace

std::string PlanesConv::no_winograd() const {
    const Window&     w              = window;
    constexpr int64_t least_channels = 8, least_length = 8;
    if (w.kernel_height != 5 || w.kernel_width != 5 || w.stride_height != 1 || w.stride_width != 1 ||
        w.dilation_height != 1 || w.dilation_width != 1) {
        return "Winograd on planes: for 5 x 5 kernels, stride 1, no dilation";
    }
    if (std::min(w.channels, filters) < least_channels) {
        return fmt::format("Winograd: transforms cost more than they save with {} channels, {} filters", w.channels,
                           filters);
    }
    if (w.output_height() % 2 != 0 || w.output_width() % 2 != 0 ||
        std::min(w.output_height(), w.output_width()) < least_length) {
        return fmt::format("Winograd on planes: for even numbers of at least {} rows and columns, not {} x {}",
                           least_length, w.output_height(), w.output_width());
    }
    return {};
}

Work winograd_forward(const PlanesConv& conv) {
    const WinogradPlanes* transforms = &winograd_planes();
    PlaneTiles            tiles      = tiles_of(conv);
    int64_t               channels = conv.window.channels, filters = conv.filters, each = tiles.count();
    Batch                 batch(conv, tiles_together);
    PointProducts         products(filters, channels, batch);

    std::vector<Stage> stages = pack_stages(conv, products, false);
    stages.push_back({batch.pieces, [=](const Buffers& memory, int64_t piece) {
                          int64_t      first   = piece * batch.images;
                          int64_t      images  = std::min(batch.images, conv.images - first);
                          const float* packed  = scratch_of(memory) + points * filters * channels;
                          float*       v       = thread_scratch_of(memory);
                          float*       m       = v + batch.floats(channels);
                          float*       scratch = m + products.result_floats();
                          const float* x       = memory.input<float>(0) + first * channels * tiles.height * tiles.width;
                          for (int64_t image = 0; image < images; ++image) {
                              transforms->inputs(tiles, channels, x + image * channels * tiles.height * tiles.width,
                                                 batch.rows(v, channels, image * each), scratch);
                          }
                          for (int64_t group = 0; group < products.groups; ++group) {
                              int64_t filter = products.first_row(group),
                                      count  = products.first_row(group + 1) - filter;
                              products.run(group, images * each, packed, v, m);
                              for (int64_t image = 0; image < images; ++image) {
                                  float* y = memory.out<float>() + ((first + image) * filters + filter) * 4 * each;
                                  transforms->results(tiles, count, batch.rows(m, count, image * each), y, scratch);
                              }
                          }
                      }});
    return {
        .stages               = stages,
        .scratch_bytes        = float_bytes(2 * points * filters * channels),
        .thread_scratch_bytes = float_bytes(batch.floats(channels) + products.result_floats() + tiles.scratch_floats()),
        .algorithm            = winograd_name};
}

Work winograd_data_gradient(const PlanesConv& conv) {
    const WinogradPlanes* transforms = &winograd_planes();
    PlaneTiles            tiles      = tiles_of(conv);
    int64_t               channels = conv.window.channels, filters = conv.filters, each = tiles.count();
    Batch                 batch(conv, tiles_together);
    PointProducts         products(channels, filters, batch);

    std::vector<Stage> stages = pack_stages(conv, products, true);
    stages.push_back(
        {batch.pieces, [=](const Buffers& memory, int64_t piece) {
             int64_t      first   = piece * batch.images;
             int64_t      images  = std::min(batch.images, conv.images - first);
             const float* packed  = scratch_of(memory) + points * filters * channels;
             float*       m       = thread_scratch_of(memory);
             float*       v       = m + batch.floats(filters);
             float*       scratch = v + products.result_floats();
             const float* dy      = memory.input<float>(0) + first * filters * 4 * each;
             for (int64_t image = 0; image < images; ++image) {
                 transforms->result_gradients(tiles, filters, dy + image * filters * 4 * each,
                                              batch.rows(m, filters, image * each), scratch);
             }
             for (int64_t group = 0; group < products.groups; ++group) {
                 int64_t channel = products.first_row(group), count = products.first_row(group + 1) - channel;
                 products.run(group, images * each, packed, m, v);
                 for (int64_t image = 0; image < images; ++image) {
                     float* dx =
                         memory.out<float>() + ((first + image) * channels + channel) * tiles.height * tiles.width;
                     transforms->input_gradients(tiles, count, batch.rows(v, count, image * each), dx, scratch);
                 }
             }
         }});
    return {
        .stages               = stages,
        .scratch_bytes        = float_bytes(2 * points * filters * channels),
        .thread_scratch_bytes = float_bytes(batch.floats(filters) + products.result_floats() + tiles.scratch_floats()),
        .algorithm            = winograd_name};
}

Work winograd_weight_gradient(const PlanesConv& conv) {
    const WinogradPlanes* transforms = &winograd_planes();
    PlaneTiles            tiles      = tiles_of(conv);
    Batch                 batch(conv, 96);
    std::vector<int64_t>  offsets  = row_offsets(conv.window.channels, batch.stride);
    int64_t               channels = conv.window.channels, filters = conv.filters, floats = filters * channels;
    int64_t               parts = std::clamp<int64_t>(batch.pieces, 1, 8);  // of the batch, each with its own sum

    Stage multiply{
        parts, [=](const Buffers& memory, int64_t part) {
            float*  v       = thread_scratch_of(memory);
            float*  m       = v + batch.floats(channels);
            float*  scratch = m + batch.floats(filters);
            float*  total   = scratch_of(memory) + part * points * floats;
            int64_t begin = conv.images * part / parts, end = conv.images * (part + 1) / parts;
            std::fill_n(total, points * floats, 0.0f);
            int64_t batches = (end - begin + batch.images - 1) / batch.images;
            for (int64_t at = 0; at < batches; ++at) {
                int64_t first  = begin + (end - begin) * at / batches;
                int64_t images = begin + (end - begin) * (at + 1) / batches - first;
                for (int64_t image = 0; image < images; ++image) {
                    transforms->inputs(tiles, channels,
                                       memory.input<float>(1) + (first + image) * channels * tiles.height * tiles.width,
                                       batch.rows(v, channels, image * tiles.count()), scratch);
                    transforms->result_gradients(tiles, filters,
                                                 memory.input<float>(0) + (first + image) * filters * 4 * tiles.count(),
                                                 batch.rows(m, filters, image * tiles.count()), scratch);
                }
                for (int64_t point = 0; point < points; ++point) {
                    sum_row_products({.rows      = filters,
                                      .columns   = channels,
                                      .length    = images * tiles.count(),
                                      .repeats   = 1,
                                      .a         = m + point * batch.point_stride(filters),
                                      .a_row     = batch.stride,
                                      .a_repeat  = 0,
                                      .b         = v + point * batch.point_stride(channels),
                                      .b_offsets = offsets.data(),
                                      .b_repeat  = 0,
                                      .c         = total + point * floats},
                                     true);
                }
            }
        }};
    // A filter: its parts added up, then out of the points.
    Stage add{filters, [=](const Buffers& memory, int64_t filter) {
                  float* sums = thread_scratch_of(memory);  // [36, channels]
                  for (int64_t point = 0; point < points; ++point) {
                      for (int64_t channel = 0; channel < channels; ++channel) {
                          float sum = 0;
                          for (int64_t part = 0; part < parts; ++part) {
                              sum += scratch_of(memory)[(part * points + point) * floats + filter * channels + channel];
                          }
                          sums[point * channels + channel] = sum;
                      }
                  }
                  filters_from_points(channels, sums, channels, memory.out<float>() + filter * channels * 25);
              }};
    return {
        .stages               = {multiply, add},
        .scratch_bytes        = float_bytes(parts * points * floats),
        .thread_scratch_bytes = float_bytes(batch.floats(channels) + batch.floats(filters) + tiles.scratch_floats()),
        .algorithm            = winograd_name};
}

}  // namespace hemp
