#pragma once
// Every operator written again in double with the plainest loops that define it: what the fast ones are checked
// against. No speed, no sharing of code with core/ops and hemp.

#include "core/graph.h"

#include <array>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

namespace hemp::plain {

/// A tensor of any element type, as doubles.
struct Values {
    Shape               shape;
    std::vector<double> at;

    Values() = default;
    explicit Values(Shape lengths, double value = 0) : shape(lengths), at(static_cast<size_t>(lengths.size()), value) {}

    double&       operator[](int64_t i) { return at[static_cast<size_t>(i)]; }
    const double& operator[](int64_t i) const { return at[static_cast<size_t>(i)]; }
};

using Operands = std::vector<Values>;
using Function = Values (*)(const Node& node, const Operands& in);
using Table    = std::map<std::string_view, Function>;

/// The plain version of each operator, by name.
const Table& table();

/// A place in a tensor, axis by axis.
using Index = std::array<int64_t, Shape::max_rank>;
Index   index_at(int64_t element, const Shape& shape);
int64_t element_at(const Index& index, const Shape& shape);

/// The element of an operand that broadcasting pairs with the place `index` of a result of the given rank.
int64_t broadcast_element(const Index& index, int rank, const Shape& operand);

// The parts of the table, a file each.
void add_elementwise(Table& table);
void add_movement(Table& table);
void add_reductions(Table& table);
void add_products(Table& table);
void add_windows(Table& table);
void add_blocks(Table& table);
void add_quantize(Table& table);
void add_entropy(Table& table);

}  // namespace hemp::plain
