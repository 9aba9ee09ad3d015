#include "core/ops/gather.h"

#include "core/operator.h"

#include <algorithm>

// Rows of a table by number. The gradient adds rows to a table of zeros: an operator of its own, linear in dy, whose
// gradient is gather again. Its pieces own rows of the table and go through all the indices in order, so that a row's
// sum does not depend on how many threads there are.
namespace hemp {
namespace {

extern const Operator scatter_add_operator;

void expect_types(const Node& node, std::string_view rows) {
    expect(node.inputs[0].dtype() == DType::f32, "{}: {} has elements of type {}; it needs f32", node.op->name, rows,
           name_of(node.inputs[0].dtype()));
    expect(node.inputs[1].dtype() == DType::i32, "{}: indices have elements of type {}; they need i32 (use cast)",
           node.op->name, name_of(node.inputs[1].dtype()));
}

/// The axes of `indices`, then those of a table's row.
Shape gathered_shape(const Shape& indices, const Shape& table) {
    std::vector<int64_t> lengths(indices.begin(), indices.end());
    lengths.insert(lengths.end(), table.begin() + 1, table.end());
    return Shape(lengths);
}

int64_t row_size(const Shape& table) {
    int64_t size = 1;
    for (int axis = 1; axis < table.rank(); ++axis) {
        size *= table[axis];
    }
    return size;
}

/// A stage of its own before rows are copied: the first index out of range is reported on any number of threads.
Stage check_stage(const Node& node, int64_t rows) {
    int64_t count = node.inputs[1].shape().size();
    return {1, [=, name = node.op->name](const Buffers& memory, int64_t) {
                for (int64_t i = 0; i < count; ++i) {
                    int32_t row = memory.input<int32_t>(1)[i];
                    if (row < 0 || row >= rows) {
                        fail("{}: index {} at place {} is out of range; the table has {} rows", name, row, i, rows);
                    }
                }
            }};
}

Type infer(const Node& node) {
    expect_types(node, "the table");
    const Shape& table = node.inputs[0].shape();
    expect(table.rank() >= 1, "gather: the table has shape {}; it needs an axis of rows", table);
    return {gathered_shape(node.inputs[1].shape(), table)};
}

Tensors gradient(const Tensor& y, const Tensor& dy) {
    const Shape&         table = y.node().inputs[0].shape();
    std::vector<int64_t> lengths(table.begin(), table.end());
    return {node(scatter_add_operator, {dy, y.node().inputs[1]}, {{"table", lengths}}), Tensor()};
}

Work work(const Node& node) {
    int64_t columns = row_size(node.inputs[0].shape());
    int64_t count   = node.inputs[1].shape().size();
    int64_t pieces  = std::clamp<int64_t>(count * columns / 8192, 1, std::clamp<int64_t>(count, 1, 32));
    Stage   copy{pieces, [=](const Buffers& memory, int64_t piece) {
                   for (int64_t i = count * piece / pieces; i < count * (piece + 1) / pieces; ++i) {
                       const float* row = memory.input<float>(0) + memory.input<int32_t>(1)[i] * columns;
                       std::copy_n(row, columns, memory.out<float>() + i * columns);
                   }
               }};
    return {.stages = {check_stage(node, node.inputs[0].shape()[0]), copy}};
}

const Operator gather_operator{.name = "gather", .infer = infer, .gradient = gradient, .work = work};

Type scatter_infer(const Node& node) {
    expect_types(node, "dy");
    Shape table(node.integers("table"));
    Shape wanted = gathered_shape(node.inputs[1].shape(), table);
    expect(node.inputs[0].shape() == wanted, "scatter_add: dy has shape {}, but rows of {} at indices {} have shape {}",
           node.inputs[0].shape(), table, node.inputs[1].shape(), wanted);
    return {table};
}

Tensors scatter_gradient(const Tensor& y, const Tensor& dy) { return {gather(dy, y.node().inputs[1]), Tensor()}; }

Work scatter_work(const Node& node) {
    int64_t rows    = node.type.shape[0];
    int64_t columns = row_size(node.type.shape);
    int64_t count   = node.inputs[1].shape().size();
    int64_t pieces  = std::clamp<int64_t>(count * columns / 8192, 1, std::clamp<int64_t>(rows, 1, 16));
    Stage   add{pieces, [=](const Buffers& memory, int64_t piece) {
                  int64_t first = rows * piece / pieces;
                  int64_t last  = rows * (piece + 1) / pieces;
                  float*  table = memory.out<float>();
                  std::fill(table + first * columns, table + last * columns, 0.0f);
                  for (int64_t i = 0; i < count; ++i) {
                      int64_t row = memory.input<int32_t>(1)[i];
                      if (row < first || row >= last) {
                          continue;
                      }
                      const float* dy = memory.input<float>(0) + i * columns;
                      for (int64_t column = 0; column < columns; ++column) {
                          table[row * columns + column] += dy[column];
                      }
                  }
              }};
    return {.stages = {check_stage(node, rows), add}};
}

const Operator scatter_add_operator{
    .name = "scatter_add", .infer = scatter_infer, .gradient = scatter_gradient, .work = scatter_work};

}  // namespace

Tensor gather(const Tensor& table, const Tensor& indices) { return node(gather_operator, {table, indices}); }

}  // namespace hemp
