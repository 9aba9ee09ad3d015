#pragma once

#include "core/graph.h"

namespace hemp {

/// The same computation with tensors exchanged: everywhere `from` is read, `to` is read instead (its own operands stay
/// as they are). Types must agree. What does not depend on an exchanged tensor is shared, not copied.
Tensor substitute(const Tensor& tensor, const std::map<Tensor, Tensor>& exchange);

}  // namespace hemp
