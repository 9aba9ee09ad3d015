#include "tests/plain/plain.h"

// The plain version of an operator on blocks of channels is that of the usual operator between copies: first out of the
// blocks, then back into them.
namespace hemp::plain {
namespace {

constexpr int64_t lanes = 16;

int64_t element_in_blocks(int64_t element, const Shape& planes) {
    Index   at     = index_at(element, planes);
    int64_t blocks = (planes[1] + lanes - 1) / lanes;
    return element_at({at[0], at[1] / lanes, at[2], at[3], at[1] % lanes},
                      {planes[0], blocks, planes[2], planes[3], lanes});
}

Values unblocked(const Values& x, int64_t channels) {
    if (x.shape.rank() == 4) {
        return x;
    }
    Values y(Shape{x.shape[0], channels, x.shape[2], x.shape[3]});
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        y[i] = x[element_in_blocks(i, y.shape)];
    }
    return y;
}

Values blocked(const Values& x) {
    Values y(Shape{x.shape[0], (x.shape[1] + lanes - 1) / lanes, x.shape[2], x.shape[3], lanes});
    for (int64_t i = 0; i < x.shape.size(); ++i) {
        y[element_in_blocks(i, x.shape)] = x[i];
    }
    return y;
}

Values block_channels(const Node&, const Operands& in) { return blocked(in[0]); }

Values unblock_channels(const Node& node, const Operands& in) { return unblocked(in[0], node.type.shape[1]); }

/// The usual operator's version for a node whose result has another shape.
Values as_usual(const char* name, const Node& node, const Shape& result, const Operands& in) {
    Node usual = node;
    usual.type = {result};
    return table().at(name)(usual, in);
}

Values conv2d_blocked(const Node& node, const Operands& in) {
    const Shape& y = node.type.shape;
    return blocked(
        as_usual("conv2d", node, {y[0], in[1].shape[0], y[2], y[3]}, {unblocked(in[0], in[1].shape[1]), in[1]}));
}

Values conv2d_blocked_data_gradient(const Node& node, const Operands& in) {
    return blocked(
        as_usual("conv2d_data_gradient", node, Shape(node.integers("x")), {unblocked(in[0], in[1].shape[0]), in[1]}));
}

Values conv2d_blocked_weight_gradient(const Node& node, const Operands& in) {
    const Shape& weight = node.type.shape;
    return as_usual("conv2d_weight_gradient", node, weight, {unblocked(in[0], weight[0]), unblocked(in[1], weight[1])});
}

Values depthwise_blocked(const Node& node, const Operands& in) {
    const Shape& y        = node.type.shape;
    int64_t      channels = in[1].shape[0];
    return blocked(as_usual("conv2d", node, {y[0], channels, y[2], y[3]}, {unblocked(in[0], channels), in[1]}));
}

Values depthwise_blocked_weight_gradient(const Node& node, const Operands& in) {
    int64_t channels = node.type.shape[0];
    return as_usual("conv2d_weight_gradient", node, node.type.shape,
                    {unblocked(in[0], channels), unblocked(in[1], channels)});
}

}  // namespace

void add_blocks(Table& table) {
    table["block_channels"]                    = block_channels;
    table["unblock_channels"]                  = unblock_channels;
    table["conv2d_blocked"]                    = conv2d_blocked;
    table["conv2d_blocked_data_gradient"]      = conv2d_blocked_data_gradient;
    table["conv2d_blocked_weight_gradient"]    = conv2d_blocked_weight_gradient;
    table["depthwise_blocked"]                 = depthwise_blocked;
    table["depthwise_blocked_data_gradient"]   = conv2d_blocked_data_gradient;
    table["depthwise_blocked_weight_gradient"] = depthwise_blocked_weight_gradient;
}

}  // namespace hemp::plain
