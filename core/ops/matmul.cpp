#include "core/ops/matmul.h"

#include "core/kernels/gemm.h"
#include "core/kernels/row_products.h"
#include "core/ops/elementwise.h"

#include <algorithm>

// Matrix product. A single large one is cut into blocks of rows and columns whose operands are packed once, in a first
// stage, and shared; a batch is cut into its products; a single row times the rows of b (a linear layer on one image)
// is bound by reading b, and packs nothing. Gradients are products again: da = dy b', db = a' dy, summed over the axes
// along which an operand was repeated.
namespace hemp {
namespace {

struct Sizes {
    int64_t m, n, k;
};

Shape leading_axes(const Shape& shape) { return Shape(shape.lengths().first(static_cast<size_t>(shape.rank() - 2))); }

Sizes sizes_of(const Node& node) {
    const Shape& a  = node.inputs[0].shape();
    const Shape& b  = node.inputs[1].shape();
    bool         ta = node.integer("transpose_a") != 0;
    bool         tb = node.integer("transpose_b") != 0;
    return {ta ? a[-1] : a[-2], tb ? b[-2] : b[-1], ta ? a[-2] : a[-1]};
}

Type infer(const Node& node) {
    const Type& a = node.inputs[0].type();
    const Type& b = node.inputs[1].type();
    expect(a.dtype == DType::f32 && b.dtype == DType::f32,
           "matmul: operands are {} and {}; both must be f32 (use cast)", name_of(a.dtype), name_of(b.dtype));
    expect(a.shape.rank() >= 2 && b.shape.rank() >= 2,
           "matmul: operands have shapes {} and {}; each needs at least two axes (a vector: reshape it to one row)",
           a.shape, b.shape);
    Sizes   s      = sizes_of(node);
    int64_t from_b = node.integer("transpose_b") != 0 ? b.shape[-1] : b.shape[-2];
    expect(s.k == from_b,
           "matmul: a {}{} has rows of {}, b {}{} has columns of {}; they must be equal (is one of them to be "
           "transposed?)",
           a.shape, node.integer("transpose_a") != 0 ? " transposed" : "", s.k, b.shape,
           node.integer("transpose_b") != 0 ? " transposed" : "", from_b);
    Shape                batch = broadcast(leading_axes(a.shape), leading_axes(b.shape), "matmul (leading axes)");
    std::vector<int64_t> lengths(batch.begin(), batch.end());
    lengths.insert(lengths.end(), {s.m, s.n});
    return {Shape(lengths)};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Tensor& a  = y.node().inputs[0];
    const Tensor& b  = y.node().inputs[1];
    bool          ta = y.node().integer("transpose_a") != 0;
    bool          tb = y.node().integer("transpose_b") != 0;
    Tensor da = ta ? matmul(b, dy, {.transpose_a = tb, .transpose_b = true}) : matmul(dy, b, {.transpose_b = !tb});
    Tensor db = tb ? matmul(dy, a, {.transpose_a = true, .transpose_b = ta}) : matmul(a, dy, {.transpose_a = !ta});
    return {sum_to(da, a.shape()), sum_to(db, b.shape())};
}

/// Blocks of about equal size that a length is cut into: at most `most`, of at least `least` each.
int64_t blocks_of(int64_t length, int64_t least, int64_t most) { return std::clamp<int64_t>(length / least, 1, most); }

/// The widest panel of any instruction set: neither cuts nor packed operands may depend on the CPU.
constexpr int64_t width = 32;

int64_t panels_of(int64_t n) { return (n + width - 1) / width; }

/// How a large product is cut into blocks of rows and columns.
struct Blocks {
    Sizes   s;
    int64_t columns = blocks_of(panels_of(s.n), 1, 8);
    int64_t rows    = blocks_of(s.m, 14, std::max<int64_t>(1, 16 / columns));

    int64_t row(int64_t block) const { return s.m * block / rows; }
    int64_t column(int64_t block) const { return std::min(panels_of(s.n) * block / columns * width, s.n); }
};

Work one_product(Sizes s, MatrixView a, MatrixView b) {
    const Gemm* product = &gemm();
    Blocks      cut{s};
    int64_t     a_floats = s.m * s.k;

    Stage pack{cut.rows + cut.columns, [=](const Buffers& memory, int64_t piece) {
                   float* packed = reinterpret_cast<float*>(memory.scratch);
                   if (piece < cut.rows) {
                       int64_t    first = cut.row(piece);
                       MatrixView part{memory.input<float>(0) + first * a.row_stride, a.row_stride, a.column_stride};
                       product->pack_a(part, cut.row(piece + 1) - first, s.k, packed + first * s.k);
                   } else {
                       int64_t    first = cut.column(piece - cut.rows);
                       MatrixView part{memory.input<float>(1) + first * b.column_stride, b.row_stride, b.column_stride};
                       product->pack_b(part, s.k, cut.column(piece - cut.rows + 1) - first,
                                       packed + a_floats + first * s.k);
                   }
               }};
    Stage multiply{cut.rows * cut.columns, [=](const Buffers& memory, int64_t piece) {
                       const float* packed       = reinterpret_cast<const float*>(memory.scratch);
                       int64_t      first_row    = cut.row(piece % cut.rows);
                       int64_t      first_column = cut.column(piece / cut.rows);
                       product->multiply(cut.row(piece % cut.rows + 1) - first_row,
                                         cut.column(piece / cut.rows + 1) - first_column, s.k, packed + first_row * s.k,
                                         packed + a_floats + first_column * s.k,
                                         memory.out<float>() + first_row * s.n + first_column, s.n, false);
                   }};
    return {.stages        = {pack, multiply},
            .scratch_bytes = static_cast<size_t>(a_floats + panels_of(s.n) * width * s.k) * sizeof(float),
            .algorithm     = "packed product"};
}

/// One row times the rows of b: both are read as they lie, since packing b would be more work than the product.
Work row_times_rows(Sizes s) {
    constexpr int64_t    least_numbers = 1 << 12;  // of b for a piece
    int64_t              pieces        = blocks_of(s.n * s.k, least_numbers, std::clamp<int64_t>(s.n, 1, 16));
    std::vector<int64_t> offsets;
    for (int64_t row = 0; row < s.n; ++row) {
        offsets.push_back(row * s.k);
    }
    Stage multiply{pieces, [=](const Buffers& memory, int64_t piece) {
                       int64_t first = s.n * piece / pieces;
                       sum_row_products({.rows      = 1,
                                         .columns   = s.n * (piece + 1) / pieces - first,
                                         .length    = s.k,
                                         .repeats   = 1,
                                         .a         = memory.input<float>(0),
                                         .a_row     = s.k,
                                         .a_repeat  = 0,
                                         .b         = memory.input<float>(1),
                                         .b_offsets = offsets.data() + first,
                                         .b_repeat  = 0,
                                         .c         = memory.out<float>() + first},
                                        false);
                   }};
    return {.stages = {multiply}, .algorithm = "one row, nothing packed"};
}

Work batch_of_products(const Node& node, Sizes s, MatrixView a, MatrixView b) {
    Shape batch  = leading_axes(node.type.shape);
    auto  starts = [&](const Shape& operand) {  // element at which each product's operand begins
        auto                 dense = dense_strides(leading_axes(operand));
        int                  added = node.type.shape.rank() - operand.rank();
        std::vector<int64_t> offsets;
        for (int64_t index = 0; index < batch.size(); ++index) {
             int64_t rest = index, offset = 0;
             for (int axis = batch.rank() - 1; axis >= 0; --axis) {
                 int64_t at = rest % batch[axis];
                 rest /= batch[axis];
                 if (axis >= added && operand[axis - added] != 1) {
                     offset += at * dense[static_cast<size_t>(axis - added)];
                }
            }
             offsets.push_back(offset * operand[-1] * operand[-2]);
        }
        return offsets;
    };
    const Gemm*          product  = &gemm();
    std::vector<int64_t> a_starts = starts(node.inputs[0].shape());
    std::vector<int64_t> b_starts = starts(node.inputs[1].shape());
    Stage                stage{batch.size(), [=](const Buffers& memory, int64_t piece) {
                    float*     packed = reinterpret_cast<float*>(memory.thread_scratch);
                    MatrixView here_a{memory.input<float>(0) + a_starts[static_cast<size_t>(piece)], a.row_stride,
                                      a.column_stride};
                    MatrixView here_b{memory.input<float>(1) + b_starts[static_cast<size_t>(piece)], b.row_stride,
                                      b.column_stride};
                    product->pack_a(here_a, s.m, s.k, packed);
                    product->pack_b(here_b, s.k, s.n, packed + s.m * s.k);
                    product->multiply(s.m, s.n, s.k, packed, packed + s.m * s.k,
                                                     memory.out<float>() + piece * s.m * s.n, s.n, false);
                }};
    return {.stages               = {stage},
            .thread_scratch_bytes = static_cast<size_t>(s.m * s.k + product->packed_columns(s.n) * s.k) * sizeof(float),
            .algorithm            = "packed product for each of the batch"};
}

Work work(const Node& node) {
    Sizes s  = sizes_of(node);
    bool  ta = node.integer("transpose_a") != 0;
    bool  tb = node.integer("transpose_b") != 0;
    if (s.m == 1 && tb && leading_axes(node.type.shape).size() == 1) {
        return row_times_rows(s);
    }
    MatrixView a{nullptr, ta ? 1 : s.k, ta ? s.m : 1};
    MatrixView b{nullptr, tb ? 1 : s.n, tb ? s.k : 1};
    return leading_axes(node.type.shape).size() == 1 ? one_product(s, a, b) : batch_of_products(node, s, a, b);
}

/// Of a product with sums of `depth` terms.
Cost product_cost(const Node& node, int64_t depth) {
    double bytes = static_cast<double>(node.type.bytes());
    for (const Tensor& input : node.inputs) {
        bytes += static_cast<double>(input.type().bytes());
    }
    return {.flop = 2.0 * static_cast<double>(node.type.shape.size()) * static_cast<double>(depth), .bytes = bytes};
}

Cost cost(const Node& node) { return product_cost(node, sizes_of(node).k); }

/// Weights that never change are packed once.
Tensor finished(const Node& node, const Finishing& finishing) {
    const Tensor& b    = node.inputs[1];
    bool          one  = leading_axes(node.type.shape).size() == 1 && sizes_of(node).m > 1;
    bool          rows = node.integer("transpose_a") == 0 && node.inputs[0].shape().rank() == 2;
    if (!one || !rows || !is_constant(b) || b.shape().rank() != 2 || !finishing.empty()) {
        return {};
    }
    return matmul_packed(node.inputs[0], pack_columns(b, node.integer("transpose_b") != 0), sizes_of(node).n);
}

/// A linear layer does.
Mixing mixing(const Node& node) {
    bool matrices = node.inputs[0].shape().rank() == 2 && node.inputs[1].shape().rank() == 2;
    bool linear   = matrices && node.integer("transpose_a") == 0 && node.integer("transpose_b") != 0;
    return linear ? Mixing::channels : Mixing::none;
}

const Operator matmul_operator{.name     = "matmul",
                               .infer    = infer,
                               .gradient = gradient,
                               .work     = work,
                               .mixing   = mixing,
                               .finished = finished,
                               .cost     = cost};

// --- with columns that are packed already

Sizes packed_sizes(const Node& node) {
    return {node.inputs[0].shape()[0], node.integer("columns"), node.inputs[0].shape()[1]};
}

Type packed_infer(const Node& node) {
    const Type& a      = node.inputs[0].type();
    const Type& packed = node.inputs[1].type();
    expect(a.dtype == DType::f32 && packed.dtype == DType::f32 && a.shape.rank() == 2,
           "matmul_packed: operands are {} and {}; both must be f32, a of two axes", a, packed);
    Shape fits{panels_of(node.integer("columns")), a.shape[1], width};
    expect(packed.shape == fits, "matmul_packed: packed columns have shape {}; a {} and {} columns need {}",
           packed.shape, a.shape, node.integer("columns"), fits);
    return {{a.shape[0], node.integer("columns")}};
}

Work packed_work(const Node& node) {
    const Gemm*          product = &gemm();
    Sizes                s       = packed_sizes(node);
    Blocks               cut{s};
    std::vector<int64_t> offsets;  // of the rows of a panel
    for (int64_t row = 0; row < s.k; ++row) {
        offsets.push_back(row * width);
    }
    Stage pack{cut.rows, [=](const Buffers& memory, int64_t piece) {
                   int64_t    first = cut.row(piece);
                   MatrixView part{memory.input<float>(0) + first * s.k, s.k, 1};
                   product->pack_a(part, cut.row(piece + 1) - first, s.k,
                                   reinterpret_cast<float*>(memory.scratch) + first * s.k);
               }};
    Stage multiply{cut.rows * cut.columns, [=](const Buffers& memory, int64_t piece) {
                       int64_t      row    = cut.row(piece % cut.rows);
                       int64_t      rows   = cut.row(piece % cut.rows + 1) - row;
                       int64_t      end    = cut.column(piece / cut.rows + 1);
                       const float* packed = reinterpret_cast<const float*>(memory.scratch) + row * s.k;
                       for (int64_t column = cut.column(piece / cut.rows); column < end; column += width) {
                           product->multiply_rows(rows, std::min(width, end - column), s.k, packed,
                                                  memory.input<float>(1) + column * s.k, offsets.data(),
                                                  memory.out<float>() + row * s.n + column, s.n);
                       }
                   }};
    return {.stages        = {pack, multiply},
            .scratch_bytes = static_cast<size_t>(s.m * s.k) * sizeof(float),
            .algorithm     = "product, columns packed once"};
}

const Operator matmul_packed_operator{
    .name  = "matmul_packed",
    .infer = packed_infer,
    .work  = packed_work,
    .cost  = [](const Node& node) { return product_cost(node, packed_sizes(node).k); },
};

Type pack_infer(const Node& node) {
    const Type& b = node.inputs[0].type();
    expect(b.dtype == DType::f32 && b.shape.rank() == 2, "pack_columns: b is {}; it needs two axes of f32", b);
    bool transposed = node.integer("transposed") != 0;
    return {{panels_of(b.shape[transposed ? 0 : 1]), b.shape[transposed ? 1 : 0], width}};
}

Work pack_work(const Node& node) {
    const Shape& b          = node.inputs[0].shape();
    bool         transposed = node.integer("transposed") != 0;
    int64_t      n = b[transposed ? 0 : 1], k = b[transposed ? 1 : 0];
    return {.stages = {{panels_of(n), [=](const Buffers& memory, int64_t panel) {
                            int64_t      columns = std::min(width, n - panel * width);
                            const float* from    = memory.input<float>(0) + panel * width * (transposed ? k : 1);
                            float*       to      = memory.out<float>() + panel * k * width;
                            for (int64_t row = 0; row < k; ++row, to += width) {
                                for (int64_t column = 0; column < columns; ++column) {
                                    to[column] = transposed ? from[column * k + row] : from[row * n + column];
                                }
                                std::fill_n(to + columns, width - columns, 0.0f);
                            }
                        }}}};
}

const Operator pack_columns_operator{
    .name  = "pack_columns",
    .infer = pack_infer,
    .work  = pack_work,
    .cost =
        [](const Node& node) {
            return Cost{.flop = 0, .bytes = static_cast<double>(node.type.bytes() + node.inputs[0].type().bytes())};
        },
};

}  // namespace

Tensor pack_columns(const Tensor& b, bool transposed) {
    return node(pack_columns_operator, {b}, {{"transposed", int64_t{transposed}}});
}

Tensor matmul_packed(const Tensor& a, const Tensor& packed, int64_t columns) {
    return node(matmul_packed_operator, {a, packed}, {{"columns", columns}});
}

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
    return node(matmul_operator, {a, b},
                {{"transpose_a", int64_t{options.transpose_a}}, {"transpose_b", int64_t{options.transpose_b}}});
}

}  // namespace hemp
