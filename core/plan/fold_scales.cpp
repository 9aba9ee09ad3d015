#include "core/ops/add.h"
#include "core/ops/multiply.h"
#include "core/ops/negate.h"
#include "core/plan/rewrite.h"

#include <unordered_map>

// Batch norm in use is (conv(x, w) - mean) * gain + shift, a value a channel each. A convolution is linear in its
// filters, so that is conv(x, w * gain) + (shift - mean * gain): one addition for each value, and where the variables
// are constants, the rest is computed once. A convolution with another reader keeps its result.
namespace hemp {
namespace {

/// A result that is conv * factors + shift.
struct Affine {
    Tensor conv;
    Tensor factors, shift;  // [channels, 1, 1] or a scalar; or none

    void add(const Tensor& value) { shift = shift ? shift + value : value; }
    void multiply(const Tensor& value) {
        factors = factors ? factors * value : value;
        shift   = shift ? shift * value : Tensor();
    }

    Tensor tensor() const {
        Tensor y = factors ? conv.node().op->scaled(conv.node(), factors) : conv;
        return y && shift ? y + shift : y;
    }
};

/// True for a value a channel of images, and for a scalar.
bool is_per_channel(const Tensor& tensor, const Shape& images) {
    const Shape& shape = tensor.shape();
    return shape.size() == 1 ? shape.rank() == 0 : shape == Shape{images[1], 1, 1};
}

class ScaleFolding final : public Rewriting {
    Tensor rewritten(const Tensor& tensor, const Tensors& inputs) override {
        const Node& node = tensor.node();
        for (size_t i = 0; i < inputs.size(); ++i) {
            Affine folded = absorbed(node, i, inputs);
            Tensor result = folded.conv ? folded.tensor() : Tensor();
            if (result) {
                affine_[&node] = folded;
                return result;
            }
        }
        Tensor result = with_inputs(tensor, inputs);
        if (node.op->scaled != nullptr && node.type.shape.rank() == 4) {
            affine_[&node] = {result, {}, {}};
        }
        return result;
    }

    /// The node as a change of its operand `i`, where that is a convolution's result which nobody else reads and the
    /// other operands are values a channel.
    Affine absorbed(const Node& node, size_t i, const Tensors& inputs) const {
        auto found = affine_.find(&node.inputs[i].node());
        if (found == affine_.end() || readers(node.inputs[i]) > 1 || node.type.shape != node.inputs[i].shape()) {
            return {};
        }
        for (size_t k = 0; k < inputs.size(); ++k) {
            if (k != i && !is_per_channel(inputs[k], node.type.shape)) {
                return {};
            }
        }
        Affine y = found->second;
        switch (node.op->arithmetic) {
            case Arithmetic::sum: y.add(inputs[1 - i]); return y;
            case Arithmetic::difference:
                if (i == 1) {
                    return {};
                }
                y.add(-inputs[1]);
                return y;
            case Arithmetic::product: y.multiply(inputs[1 - i]); return y;
            case Arithmetic::normalise:
                if (i != 0) {
                    return {};
                }
                y.add(-inputs[1]);
                y.multiply(inputs[2]);
                y.add(inputs[3]);
                return y;
            case Arithmetic::normalise_gradient:
            case Arithmetic::other: break;
        }
        return {};
    }

    std::unordered_map<const Node*, Affine> affine_;
};

}  // namespace

Roots fold_scales(const Roots& roots) { return ScaleFolding().run(roots); }

}  // namespace hemp
