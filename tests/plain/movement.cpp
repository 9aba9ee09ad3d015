#include "core/operator.h"
#include "core/random.h"
#include "tests/plain/plain.h"

namespace hemp::plain {
namespace {

size_t axis_of(const Node& node) { return static_cast<size_t>(node.integer("axis")); }

Values reshape(const Node& node, const Operands& in) {
    Values y = in[0];
    y.shape  = node.type.shape;
    return y;
}

Values transpose(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        Index to = index_at(i, y.shape);
        Index from{};
        for (size_t axis = 0; axis < node.integers("axes").size(); ++axis) {
            from[static_cast<size_t>(node.integers("axes")[axis])] = to[axis];
        }
        y[i] = in[0][element_at(from, in[0].shape)];
    }
    return y;
}

/// The place in the whole tensor of a place in the slice.
Index place_in_whole(Index index, const Node& node) {
    int64_t& at = index[axis_of(node)];
    at          = node.integer("begin") + at * node.integer("step");
    return index;
}

Values slice(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        y[i] = in[0][element_at(place_in_whole(index_at(i, y.shape), node), in[0].shape)];
    }
    return y;
}

Values unslice(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    for (int64_t i = 0; i < in[0].shape.size(); ++i) {
        y[element_at(place_in_whole(index_at(i, in[0].shape), node), y.shape)] = in[0][i];
    }
    return y;
}

Values concat(const Node& node, const Operands& in) {
    Values  y(node.type.shape);
    int64_t begin = 0;
    for (const Values& part : in) {
        for (int64_t i = 0; i < part.shape.size(); ++i) {
            Index index = index_at(i, part.shape);
            index[axis_of(node)] += begin;
            y[element_at(index, y.shape)] = part[i];
        }
        begin += part.shape[static_cast<int>(axis_of(node))];
    }
    return y;
}

Values pad(const Node& node, const Operands& in) {
    Values y(node.type.shape);
    for (int64_t i = 0; i < in[0].shape.size(); ++i) {
        Index index = index_at(i, in[0].shape);
        for (size_t axis = 0; axis < node.integers("before").size(); ++axis) {
            index[axis] += node.integers("before")[axis];
        }
        y[element_at(index, y.shape)] = in[0][i];
    }
    return y;
}

/// Elements of one row of a table or of the gradient to it.
int64_t row_size(const Shape& table) { return table.size() / table[0]; }

Values gather(const Node& node, const Operands& in) {
    Values  y(node.type.shape);
    int64_t columns = row_size(in[0].shape);
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        int64_t row = static_cast<int64_t>(in[1][i / columns]);
        y[i]        = in[0][row * columns + i % columns];
    }
    return y;
}

Values scatter_add(const Node& node, const Operands& in) {
    Values  y(node.type.shape);
    int64_t columns = row_size(y.shape);
    for (int64_t i = 0; i < in[0].shape.size(); ++i) {
        int64_t row = static_cast<int64_t>(in[1][i / columns]);
        y[row * columns + i % columns] += in[0][i];
    }
    return y;
}

Values random_uniform(const Node& node, const Operands& in) {
    Values   y(node.type.shape);
    Random   random(static_cast<uint64_t>(node.integer("seed")), static_cast<uint64_t>(node.integer("stream")));
    uint64_t step = static_cast<uint32_t>(static_cast<int32_t>(in[0][0]));
    for (int64_t i = 0; i < y.shape.size(); ++i) {
        uint64_t block = (step << 32) + static_cast<uint64_t>(i / 4);
        y[i]           = static_cast<double>(random.uniform(4 * block + static_cast<uint64_t>(i % 4)));
    }
    return y;
}

}  // namespace

void add_movement(Table& table) {
    table["reshape"]        = reshape;
    table["transpose"]      = transpose;
    table["slice"]          = slice;
    table["unslice"]        = unslice;
    table["concat"]         = concat;
    table["pad"]            = pad;
    table["gather"]         = gather;
    table["scatter_add"]    = scatter_add;
    table["random_uniform"] = random_uniform;
}

}  // namespace hemp::plain
