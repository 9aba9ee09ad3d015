#pragma once
// What the convolution operators have in common: conv2d itself, and what the planner puts in its place.

#include "core/operator.h"
#include "core/ops/conv2d.h"

namespace hemp {

/// How a node stores its options, and a shape beside them.
Attributes           attributes_of(const ConvOptions& options);
ConvOptions          options_of(const Node& node);
std::vector<int64_t> lengths_of(const Shape& shape);

/// The shape [N, K, H', W'] that conv2d gives. Throws ShapeError as conv2d.
Shape conv2d_shape(const Shape& x, const Shape& weight, const ConvOptions& options);

/// Throws ShapeError that names the operator unless all operands are f32.
void expect_f32(const Node& node);

/// Throws ShapeError that names the operator unless its first operand, dy, has this shape.
void expect_dy(const Node& node, const Shape& y);

/// Of `products` multiply-adds, with each operand read and the result written once.
Cost conv_cost(const Node& node, double products);

inline size_t float_bytes(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }
inline float* scratch_of(const Buffers& memory) { return reinterpret_cast<float*>(memory.scratch); }
inline float* thread_scratch_of(const Buffers& memory) { return reinterpret_cast<float*>(memory.thread_scratch); }

}  // namespace hemp
