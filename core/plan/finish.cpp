#include "core/ops/add.h"
#include "core/plan/rewrite.h"

#include <algorithm>
#include <unordered_map>

// A convolution has its sums in registers when it is done with them: what elementwise operators would read back to add
// a value a channel, to add a residual, or to cut off by an activation, it does before it writes them.
namespace hemp {
namespace {

class FinishPass final : public Rewriting {
    /// A convolution and what is done to its result.
    struct Draft {
        Tensor    conv;
        Finishing finishing;

        /// Nothing where the convolution cannot do that.
        Tensor tensor() const { return conv ? conv.node().op->finished(conv.node(), finishing) : Tensor(); }
    };

    Tensor rewritten(const Tensor& tensor, const Tensors& inputs) override {
        const Node& node = tensor.node();
        for (size_t i = 0; i < inputs.size(); ++i) {
            Draft  draft = absorbed(node, i, inputs);
            Tensor done  = draft.tensor();
            if (done) {
                drafts_[&node] = draft;
                return done;
            }
        }
        Tensor result = with_inputs(tensor, inputs);
        if (node.op->finished == nullptr) {
            return result;
        }
        drafts_[&node] = {result, {}};
        Tensor done    = drafts_[&node].tensor();
        return done ? done : result;
    }

    /// The node as a change of its operand `i`, where that is a convolution's result which nobody else reads.
    Draft absorbed(const Node& node, size_t i, const Tensors& inputs) const {
        auto found = drafts_.find(&node.inputs[i].node());
        if (found == drafts_.end() || readers(node.inputs[i]) > 1 || node.type.shape != node.inputs[i].shape()) {
            return {};
        }
        Draft y                     = found->second;
        auto& [bias, addend, clamp] = y.finishing;
        if (std::optional<Clamp> next = node.op->clamp != nullptr ? node.op->clamp(node) : std::nullopt) {
            if (i != 0) {
                return {};
            }
            clamp = clamp.then(*next);
            return y;
        }
        if (node.op->arithmetic != Arithmetic::sum || clamp.bounds()) {
            return {};
        }
        const Tensor& other = inputs[1 - i];
        const Shape&  shape = node.type.shape;
        if (other.shape() == shape && !addend) {
            addend = other;
            return y;
        }
        if (shape.rank() == 5 && other.shape() == Shape{1, shape[1], 1, 1, shape[4]}) {
            bias = bias ? bias + other : other;
            return y;
        }
        return {};
    }

    std::unordered_map<const Node*, Draft> drafts_;
};

}  // namespace

Roots finish_convolutions(const Roots& roots) { return FinishPass().run(roots); }

}  // namespace hemp
