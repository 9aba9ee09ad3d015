#pragma once

#include "core/graph.h"

namespace hemp {

/// The same computations with tensors exchanged: everywhere `from` is read, `to` is read instead (its own operands stay
/// as they are). Types must agree. What does not depend on an exchanged tensor is shared, not copied, and what several
/// of them need is copied once.
Tensors substitute(const Tensors& tensors, const std::map<Tensor, Tensor>& exchange);

}  // namespace hemp
