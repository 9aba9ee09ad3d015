#pragma once
// Evaluates any graph with the plain operators: no planner, no kernels, no threads, everything in double.

#include "core/plan/plan.h"
#include "tests/plain/plain.h"

#include <map>

namespace hemp {

/// Values of inputs, and of variables that shall not have their own.
using Given = std::map<Tensor, plain::Values>;

plain::Values values_of(const Array& array);

/// The values of `tensors`. Throws Error when an operator has no plain version or an input no value.
std::vector<plain::Values> interpret(const Tensors& tensors, const Given& given);

/// One run of a whole program: the outputs; the variables in `state` get their new values.
std::vector<plain::Values> interpret_run(const Roots& roots, const Given& inputs, Given& state);

}  // namespace hemp
