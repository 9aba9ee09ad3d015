#pragma once
// What every operator has to stand, in one call: see check_operator.

#include "core/graph.h"

#include <functional>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hemp {

/// One operand of a check, filled with random numbers between low and high (integers: both included).
struct Operand {
    Shape  shape;
    DType  dtype = DType::f32;
    double low   = -2;
    double high  = 2;
};
using Operands = std::vector<Operand>;

/// Builds what is checked from tensors of the operands' types: one operator or a composition.
using Builder = std::function<Tensor(const Tensors&)>;

/// How far a result may be from the double version: `ulps` units in the last place of the larger of the expected value
/// and `floor`, the magnitude of the numbers that it was summed up from.
struct Tolerance {
    double ulps  = 2;
    double floor = std::numeric_limits<float>::min();
};

struct CheckOptions {
    Tolerance result   = {};
    bool      gradient = true;
    Tolerance slope    = {.ulps = 64, .floor = 1};  ///< of the gradient
};

/// Checks `build` against the plain double versions of its operators, on random operands:
///   - every instruction set that this CPU has, with 1, 2 and 3 threads: equal bits for any number of threads, and for
///     AVX2 and AVX-512;
///   - the work of each node run by hand: memory of results and scratch filled with NaN before, guards around it,
///     pieces backwards, and the last one in place where its operator allows it;
///   - operands that are slices, transposed, reversed, reshaped, repeated, dying or kept as outputs;
///   - the gradient to every f32 operand, under random weights of the result: the compiled gradient against the same
///     graph in double, and that against central differences.
/// A failure names the operator, index, expected, got, shapes, seed, and the command that repeats that case alone.
void check_operator(const std::string& name, const Builder& build, const Operands& operands,
                    const CheckOptions& options = {});

/// The first two points of check_operator for every tail length: 1 to 40, around the tile size and sizes of pieces.
void check_lengths(const std::string& name, const Builder& build, const std::function<Operands(int64_t)>& operands,
                   const Tolerance& tolerance = {});

/// The names of all operators, with those of gradients, whose results were checked so far.
const std::set<std::string_view>& checked_operators();

/// The values of an f32 tensor that depends on no input.
std::vector<float> computed(const Tensor& y);

/// A tensor of these values that the planner does not compute beforehand, as it would with a constant.
Tensor given(Shape shape, const std::vector<float>& values);

/// Random values of a type, a function of the seed alone.
Array random_array(const Operand& operand, uint64_t seed);

/// True when `got` is within the tolerance of `expected`; NaN and infinities must agree.
bool close(double got, double expected, const Tolerance& tolerance);

/// Checks element by element, and reports the first that differs.
void check_close(const std::string& what, const Array& got, const std::vector<double>& expected,
                 const Tolerance& tolerance);

}  // namespace hemp
