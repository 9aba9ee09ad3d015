#include "core/ops/channel_blocks.h"
#include "core/ops/pad.h"
#include "core/ops/reshape.h"
#include "core/ops/slice.h"
#include "core/plan/plan.h"

#include <algorithm>
#include <unordered_map>

// Convolutions run on blocks of channels. In blocks a value is an ordinary tensor of five axes, so that this pass is a
// rewriting of the graph and nothing behind it knows of layouts: where a convolution gives blocks, the elementwise
// operators, poolings and reductions behind it run on blocks as well, until an operator needs the planes again. What
// changes form is copied, once for all its readers.
namespace hemp {
namespace {

constexpr int64_t lanes = channel_block;

constexpr int channel_axis = 1, row_axis = 2, column_axis = 3;

bool is_image(const Tensor& tensor) { return tensor.shape().rank() == 4; }

class LayoutPass {
 public:
    Roots run(const Roots& roots) {
        for (const Tensor& tensor : topological_order(roots.all())) {
            Tensor result                               = rewritten(tensor);
            bool   moved                                = is_image(tensor) && result.shape().rank() == 5;
            (moved ? blocks_ : planes_)[&tensor.node()] = result;
        }
        Roots result;
        for (const Tensor& output : roots.outputs) {
            result.outputs.push_back(planes(output));
        }
        for (const Update& update : roots.updates) {
            result.updates.push_back({update.variable, planes(update.value)});
        }
        return result;
    }

 private:
    class Operands final : public BlockedOperands {
     public:
        Operands(LayoutPass& pass, const Node& node) : pass_(pass), node_(node) {}
        bool   in_blocks(size_t i) const override { return pass_.is_in_blocks(node_.inputs[i]); }
        Tensor planes(size_t i) override { return pass_.planes(node_.inputs[i]); }
        Tensor blocks(size_t i) override { return pass_.blocks(node_.inputs[i]); }
        Tensor per_channel(size_t i) override { return pass_.per_channel(node_.inputs[i]); }

     private:
        LayoutPass& pass_;
        const Node& node_;
    };

    bool is_in_blocks(const Tensor& tensor) const { return in_blocks_.contains(&tensor.node()); }

    Tensor planes(const Tensor& tensor) {
        Tensor& form = planes_[&tensor.node()];
        if (!form) {
            form = unblock_channels(blocks_.at(&tensor.node()), tensor.shape()[channel_axis]);
        }
        return form;
    }

    Tensor blocks(const Tensor& tensor) {
        Tensor& form = blocks_[&tensor.node()];
        if (!form) {
            form = block_channels(planes_.at(&tensor.node()));
        }
        return form;
    }

    Tensor rewritten(const Tensor& tensor) {
        const Node& node = tensor.node();
        if (node.inputs.empty()) {
            return tensor;
        }
        Tensor   result;
        Operands operands(*this, node);
        if (node.op->on_blocks != nullptr) {
            result = node.op->on_blocks(node, operands);
        } else if (node.op->tile != nullptr) {
            result = elementwise(node);
        } else if (node.op->reduction != Reduction::none) {
            result = reduction(node);
        }
        if (result) {
            if (is_image(tensor) && result.shape().rank() == 5) {
                in_blocks_.insert(&node);
            }
            return result;
        }
        Tensors inputs;
        for (const Tensor& input : node.inputs) {
            inputs.push_back(planes(input));
        }
        return inputs == node.inputs ? tensor : hemp::node(*node.op, inputs, node.attributes);
    }

    /// In blocks where an operand is.
    Tensor elementwise(const Node& node) {
        const Shape& shape = node.type.shape;
        bool         any   = std::any_of(node.inputs.begin(), node.inputs.end(),
                                         [&](const Tensor& input) { return is_in_blocks(input); });
        if (!any || shape.rank() != 4 || node.op->repeats ||
            (!node.op->keeps_finite && shape[channel_axis] % lanes != 0)) {
            return {};
        }
        Tensors inputs;
        for (const Tensor& input : node.inputs) {
            Tensor form = beside_blocks(input, shape);
            if (!form) {
                return {};
            }
            inputs.push_back(form);
        }
        return hemp::node(*node.op, inputs, node.attributes);
    }

    /// An operand that broadcasts to images of a shape, so that it broadcasts to their blocks; nothing where it cannot.
    Tensor beside_blocks(const Tensor& operand, const Shape& images) {
        const Shape& shape = operand.shape();
        if (shape == images) {
            return is_in_blocks(operand) || operand.dtype() == DType::f32 ? blocks(operand) : Tensor();
        }
        if (shape.size() == 1) {
            return planes(operand);
        }
        // Right-aligned, the axes are [images,] channels, 1, 1.
        int rank = shape.rank();
        if (rank < 3 || shape[rank - 1] != 1 || shape[rank - 2] != 1 || shape[rank - 3] != images[channel_axis] ||
            operand.dtype() != DType::f32) {
            return {};
        }
        return per_channel(operand);
    }

    /// Values [[images,] channels, 1, 1] as [images, blocks, 1, 1, 16].
    Tensor per_channel(const Tensor& operand) {
        Tensor& form = blocks_[&operand.node()];
        if (!form) {
            const Shape& shape    = operand.shape();
            int64_t      count    = shape.rank() == 4 ? shape[0] : 1;
            int64_t      channels = shape[shape.rank() - 3];
            int64_t      full     = blocks_of(channels) * lanes;
            Tensor       values   = reshape(planes(operand), Shape{count, channels});
            if (full != channels) {
                values = pad(values, {0, 0}, {0, full - channels});
            }
            form = reshape(values, Shape{count, full / lanes, 1, 1, lanes});
        }
        return form;
    }

    /// Over rows and columns, and over the images or not; over channels only where no block is filled up.
    Tensor reduction(const Node& node) {
        const Tensor& x = node.inputs[0];
        if (!is_in_blocks(x)) {
            return {};
        }
        std::vector<int64_t> axes = node.integers("axes");
        auto    has      = [&](int64_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); };
        int64_t channels = x.shape()[channel_axis];
        if (!has(row_axis) || !has(column_axis) || (has(channel_axis) && channels % lanes != 0)) {
            return {};
        }
        if (has(channel_axis)) {
            axes.push_back(channel_axis + 3);
        }
        Attributes attributes = node.attributes;
        attributes["axes"]    = axes;
        attributes["keep"]    = int64_t{0};
        Tensor sums           = hemp::node(*node.op, {blocks(x)}, attributes);
        if (has(channel_axis)) {
            return reshape(sums, node.type.shape);
        }
        int64_t count  = has(0) ? 1 : x.shape()[0];
        Tensor  values = reshape(sums, std::vector<int64_t>{count, blocks_of(channels) * lanes});
        if (values.shape()[1] != channels) {
            values = slice(values, 1, 0, channels);
        }
        return reshape(values, node.type.shape);
    }

    std::unordered_map<const Node*, Tensor> planes_, blocks_;  // the forms that a value has so far
    std::set<const Node*>                   in_blocks_;        // images that are computed in blocks
};

}  // namespace

Roots choose_layouts(const Roots& roots) { return LayoutPass().run(roots); }

std::string_view layout_of(const Tensor& tensor) {
    bool blocks = tensor.shape().rank() == 5 && tensor.shape()[4] == lanes;
    return blocks ? "channel blocks" : "row-major";
}

}  // namespace hemp
