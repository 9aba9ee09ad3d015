#pragma once

#include "core/plan/plan.h"

#include <unordered_map>

namespace hemp {

/// A pass from graph to graph: every node, after its inputs, becomes what `rewritten` says.
class Rewriting {
 public:
    Roots run(const Roots& roots);

 protected:
    ~Rewriting() = default;

    /// What a tensor becomes; `inputs` is what its inputs have become.
    virtual Tensor rewritten(const Tensor& tensor, const Tensors& inputs) = 0;

    /// What a tensor that came before has become.
    const Tensor& now(const Tensor& tensor) const { return now_.at(&tensor.node()); }

    /// Nodes and roots that read it, in the graph as it was.
    int64_t readers(const Tensor& tensor) const { return readers_.at(&tensor.node()); }

    /// The same operator on other inputs.
    static Tensor with_inputs(const Tensor& tensor, const Tensors& inputs);

 private:
    std::unordered_map<const Node*, Tensor>  now_;
    std::unordered_map<const Node*, int64_t> readers_;
};

}  // namespace hemp
