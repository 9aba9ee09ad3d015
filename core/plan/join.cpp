#include "core/plan/rewrite.h"

// A network's widest values lie between two convolutions (MobileNetV2 expands an image's channels sixfold for a
// depthwise convolution): computed a strip at a time by their one reader, they stay in the cache.
namespace hemp {
namespace {

class JoinPass final : public Rewriting {
    Tensor rewritten(const Tensor& tensor, const Tensors& inputs) override {
        const Node& node   = tensor.node();
        Tensor      result = with_inputs(tensor, inputs);
        if (node.op->joined == nullptr || readers(node.inputs[0]) > 1) {
            return result;
        }
        Tensor joined = node.op->joined(result.node());
        return joined ? joined : result;
    }
};

}  // namespace

Roots join_convolutions(const Roots& roots) { return JoinPass().run(roots); }

}  // namespace hemp
