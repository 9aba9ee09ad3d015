#include "tests/plain/plain.h"

namespace hemp::plain {

const Table& table() {
    static const Table made = [] {
        Table table;
        add_elementwise(table);
        add_movement(table);
        add_reductions(table);
        add_products(table);
        add_windows(table);
        add_blocks(table);
        add_quantize(table);
        add_entropy(table);
        return table;
    }();
    return made;
}

Index index_at(int64_t element, const Shape& shape) {
    Index index{};
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
        index[static_cast<size_t>(axis)] = element % shape[axis];
        element /= shape[axis];
    }
    return index;
}

int64_t element_at(const Index& index, const Shape& shape) {
    int64_t element = 0;
    for (int axis = 0; axis < shape.rank(); ++axis) {
        element = element * shape[axis] + index[static_cast<size_t>(axis)];
    }
    return element;
}

int64_t broadcast_element(const Index& index, int rank, const Shape& operand) {
    Index own{};
    for (int axis = 0; axis < operand.rank(); ++axis) {
        int64_t place                  = index[static_cast<size_t>(axis + rank - operand.rank())];
        own[static_cast<size_t>(axis)] = operand[axis] == 1 ? 0 : place;
    }
    return element_at(own, operand);
}

}  // namespace hemp::plain
