#include "core/operator.h"
#include "tests/plain/plain.h"

namespace hemp::plain {
namespace {

/// A matrix of a batch with its last two axes exchanged on demand.
double at(const Values& x, Index index, int rank, bool transposed) {
    Shape operand = x.shape;
    if (transposed) {
        std::swap(index[static_cast<size_t>(rank - 1)], index[static_cast<size_t>(rank - 2)]);
    }
    Index own{};
    for (int axis = 0; axis < operand.rank(); ++axis) {
        bool    batch                  = axis < operand.rank() - 2;
        int64_t place                  = index[static_cast<size_t>(axis + rank - operand.rank())];
        own[static_cast<size_t>(axis)] = batch && operand[axis] == 1 ? 0 : place;
    }
    return x[element_at(own, operand)];
}

Values matmul(const Node& node, const Operands& in) {
    Values  y(node.type.shape);
    int     rank  = y.shape.rank();
    bool    ta    = node.integer("transpose_a") != 0;
    bool    tb    = node.integer("transpose_b") != 0;
    int64_t depth = ta ? in[0].shape[-2] : in[0].shape[-1];
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        Index a = index_at(i, y.shape);
        Index b = a;
        for (int64_t k = 0; k < depth; ++k) {
            a[static_cast<size_t>(rank - 1)] = k;
            b[static_cast<size_t>(rank - 2)] = k;
            y[i] += at(in[0], a, rank, ta) * at(in[1], b, rank, tb);
        }
    }
    return y;
}

Values pack_columns(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    for (int64_t i = 0; i < in[0].shape.size(); ++i) {
        Index   at     = index_at(i, in[0].shape);
        bool    swap   = node.integer("transposed") != 0;
        int64_t column = at[swap ? 0 : 1], row = at[swap ? 1 : 0];
        y[element_at({column / 32, row, column % 32}, y.shape)] = in[0][i];
    }
    return y;
}

Values matmul_packed(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        Index at = index_at(i, y.shape);
        for (int64_t k = 0; k < in[0].shape[1]; ++k) {
            y[i] += in[0][element_at({at[0], k}, in[0].shape)] *
                    in[1][element_at({at[1] / 32, k, at[1] % 32}, in[1].shape)];
        }
    }
    return y;
}

/// Calls visit(element of x, element of the weight, element of y) for every product of a convolution.
template <class Visit>
void each_product(const Node& node, const Shape& x, const Shape& weight, const Shape& y, Visit visit) {
    const auto&   stride   = node.integers("stride");
    const auto&   padding  = node.integers("padding");
    const auto&   dilation = node.integers("dilation");
    const int64_t filters  = weight[0] / node.integer("groups");
    const int64_t channels = weight[1], tall = weight[2], wide = weight[3], height = x[2], width = x[3];
    int64_t       to = 0;
    for (int64_t n = 0; n < y[0]; ++n) {
        for (int64_t f = 0; f < y[1]; ++f) {
            for (int64_t i = 0; i < y[2]; ++i) {
                for (int64_t j = 0; j < y[3]; ++j, ++to) {
                    for (int64_t c = 0; c < channels; ++c) {
                        int64_t plane = n * x[1] + f / filters * channels + c;
                        for (int64_t a = 0; a < tall; ++a) {
                            for (int64_t b = 0; b < wide; ++b) {
                                int64_t row    = i * stride[0] + a * dilation[0] - padding[0];
                                int64_t column = j * stride[1] + b * dilation[1] - padding[1];
                                if (row >= 0 && row < height && column >= 0 && column < width) {
                                    visit((plane * height + row) * width + column,
                                          ((f * channels + c) * tall + a) * wide + b, to);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

Values conv2d(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    each_product(node, in[0].shape, in[1].shape, y.shape,
                 [&](int64_t x, int64_t w, int64_t to) { y[to] += in[0][x] * in[1][w]; });
    return y;
}

Values conv2d_data_gradient(const Node& node, const Operands& in) {
    Values dx(node.type.shape);
    each_product(node, dx.shape, in[1].shape, in[0].shape,
                 [&](int64_t x, int64_t w, int64_t y) { dx[x] += in[0][y] * in[1][w]; });
    return dx;
}

Values conv2d_weight_gradient(const Node& node, const Operands& in) {
    Values dw(node.type.shape);
    each_product(node, in[1].shape, dw.shape, in[0].shape,
                 [&](int64_t x, int64_t w, int64_t y) { dw[w] += in[0][y] * in[1][x]; });
    return dw;
}

}  // namespace

void add_products(Table& table) {
    table["matmul"]                 = matmul;
    table["matmul_packed"]          = matmul_packed;
    table["pack_columns"]           = pack_columns;
    table["conv2d"]                 = conv2d;
    table["conv2d_data_gradient"]   = conv2d_data_gradient;
    table["conv2d_weight_gradient"] = conv2d_weight_gradient;
}

}  // namespace hemp::plain
