#include "core/ops/channel_blocks.h"
#include "core/plan/rewrite.h"

#include <algorithm>

// A pruned network has channels that no weight reads. They need not be computed, and then what only they read need not
// be either. Channels are those of axis 1; weights are looked at where they are constant. From the results backwards:
// a convolution reads a channel if one of its filters that are needed has a weight for it; what treats channels one by
// one (elementwise operators, pooling, reshape) has the same channels before and behind it, and so have all operands of
// a sum; everything else needs what it is given as a whole.
namespace hemp {
namespace {

/// Marks for each channel; none for a tensor without axis 1.
using Channels = std::vector<bool>;

int64_t channels_of(const Tensor& tensor) { return tensor.shape().rank() >= 2 ? tensor.shape()[1] : 0; }

bool has_all(const Channels& channels) { return std::ranges::find(channels, false) == channels.end(); }

/// The marked rows (axis 0) and columns (axis 1) of constants; columns may be none at all.
Tensor kept(const Tensor& tensor, const Channels& rows, const Channels& columns) {
    if (has_all(rows) && has_all(columns)) {
        return tensor;
    }
    const Shape&         shape = tensor.shape();
    std::vector<int64_t> lengths(shape.begin(), shape.end());
    lengths[0] = std::ranges::count(rows, true);
    if (!columns.empty()) {
        lengths[1] = std::ranges::count(columns, true);
    }
    Array                  result(Type{Shape(lengths)});
    std::span<const float> from   = tensor.node().value->values<float>();
    float*                 to     = result.values<float>().data();
    size_t                 blocks = std::max<size_t>(columns.size(), 1), block = from.size() / (rows.size() * blocks);
    for (size_t row = 0; row < rows.size(); ++row) {
        for (size_t column = 0; rows[row] && column < blocks; ++column) {
            if (columns.empty() || columns[column]) {
                to = std::copy_n(from.data() + (row * blocks + column) * block, block, to);
            }
        }
    }
    return constant(std::move(result));
}

/// How a node's channels hang together with those of what it reads.
enum class Kind : uint8_t { mixes, follows, whole };

/// Constants with a row for each channel of the result: shifts [C] or [C, 1, 1], depthwise filters.
bool has_a_row_each(const Tensor& operand, const Shape& result) {
    const Shape& shape = operand.shape();
    return is_constant(operand) && operand.dtype() == DType::f32 && shape.rank() >= 1 && shape[0] == result[1];
}

bool is_elementwise(const Node& node) {
    const Shape& y = node.type.shape;
    return node.op->tile != nullptr && !node.op->repeats && std::ranges::all_of(node.inputs, [&](const Tensor& x) {
               bool shifts = has_a_row_each(x, y) && x.shape().rank() == y.rank() - 1 && x.shape().size() == y[1];
               return shifts || x.shape().size() == 1 || (x.shape() == y && !is_constant(x));
           });
}

Mixing mixing_of(const Node& node) { return node.op->mixing != nullptr ? node.op->mixing(node) : Mixing::none; }

/// With weights that are constants.
bool mixes(const Tensor& tensor) {
    const Node& node = tensor.node();
    return mixing_of(node) != Mixing::none && channels_of(node.inputs[0]) > 0 && !is_constant(node.inputs[0]) &&
           is_constant(node.inputs[1]);
}

Kind kind_of(const Tensor& tensor) {
    const Node&     node = tensor.node();
    const Operator& op   = *node.op;
    if (node.inputs.empty() || channels_of(tensor) == 0) {
        return Kind::whole;
    }
    if (is_elementwise(node)) {
        return Kind::follows;
    }
    if (mixes(tensor)) {
        return Kind::mixes;
    }
    bool others  = std::all_of(node.inputs.begin() + 1, node.inputs.end(),
                               [&](const Tensor& input) { return has_a_row_each(input, node.type.shape); });
    bool images  = channels_of(node.inputs[0]) > 0 && !is_constant(node.inputs[0]);
    bool follows = images && others && op.on_channels != nullptr && op.on_channels(node, node.inputs);
    return follows ? Kind::follows : Kind::whole;
}

class Narrowing final : public Rewriting {
 public:
    explicit Narrowing(const Roots& roots) {
        Tensors order = topological_order(roots.all());
        for (const Tensor& tensor : order) {
            needed_[&tensor.node()].resize(static_cast<size_t>(channels_of(tensor)));
            kinds_[&tensor.node()] = kind_of(tensor);
        }
        for (const Tensor& root : roots.all()) {
            need_all(root);
        }
        do {
            settle(order);
            fill_blocks(order);
        } while (changed_);
    }

 private:
    void need(const Tensor& tensor, size_t channel) {
        std::vector<bool>::reference mark = needed_.at(&tensor.node())[channel];
        changed_ |= !mark;
        mark = true;
    }

    void need_all(const Tensor& tensor) {
        for (size_t c = 0; c < needed_.at(&tensor.node()).size(); ++c) {
            need(tensor, c);
        }
    }

    /// Back and forth, for as long as there is more to need: marks go from results to operands, but from one operand of
    /// a sum to the other as well.
    void settle(const Tensors& order) {
        do {
            changed_ = false;
            for (auto each = order.rbegin(); each != order.rend(); ++each) {
                settle(*each);
            }
            for (const Tensor& each : order) {
                settle(each);
            }
        } while (changed_);
    }

    void settle(const Tensor& tensor) {
        const Node& node = tensor.node();
        switch (kinds_.at(&node)) {
            case Kind::mixes: need_what_weights_read(node); break;
            case Kind::follows:
                for (const Tensor& input : node.inputs) {
                    if (input.shape().size() == 1) {
                        need_all(input);
                    } else if (!is_constant(input)) {
                        need_the_same(tensor, input);
                    }
                }
                break;
            case Kind::whole:
                need_all(tensor);
                for (const Tensor& input : node.inputs) {
                    need_all(input);
                }
                break;
        }
    }

    void need_what_weights_read(const Node& node) {
        const Channels&        rows    = needed_.at(&node);
        const Channels&        columns = needed_.at(&node.inputs[0].node());
        Channels&              seen    = seen_rows_[&node];
        std::span<const float> weights = node.inputs[1].node().value->values<float>();
        size_t                 taps    = weights.size() / (rows.size() * columns.size());
        seen.resize(rows.size());
        if (has_all(columns)) {
            return;
        }
        for (size_t row = 0; row < rows.size(); ++row) {
            if (!rows[row] || seen[row]) {
                continue;
            }
            seen[row] = true;
            for (size_t column = 0; column < columns.size(); ++column) {
                auto here = weights.subspan((row * columns.size() + column) * taps, taps);
                if (!columns[column] && std::ranges::any_of(here, [](float weight) { return weight != 0; })) {
                    need(node.inputs[0], column);
                }
            }
        }
        if (std::ranges::find(columns, true) == columns.end()) {
            need(node.inputs[0], 0);  // there are no images without channels
        }
    }

    /// Where convolutions run on blocks of channels, part of a block takes as long as a whole one, or does not run on
    /// blocks at all.
    void fill_blocks(const Tensors& order) {
        for (const Tensor& tensor : order) {
            if (kinds_.at(&tensor.node()) == Kind::mixes && mixing_of(tensor.node()) == Mixing::blocks) {
                fill_blocks_of(tensor);
                fill_blocks_of(tensor.node().inputs[0]);
            }
        }
    }

    void fill_blocks_of(const Tensor& tensor) {
        const Channels& channels = needed_.at(&tensor.node());
        int64_t         extra    = -std::ranges::count(channels, true) & (channel_block - 1);
        for (size_t c = 0; c < channels.size() && extra > 0; ++c) {
            extra -= !channels[c];
            need(tensor, c);
        }
    }

    /// Each channel of the operand is one of the result's, or several neighbouring ones.
    void need_the_same(const Tensor& tensor, const Tensor& operand) {
        const Channels& behind = needed_.at(&tensor.node());
        const Channels& before = needed_.at(&operand.node());
        for (size_t c = 0, each = behind.size() / before.size(); c < behind.size(); ++c) {
            if (behind[c]) {
                need(operand, c / each);
            } else if (before[c / each]) {
                need(tensor, c);
            }
        }
    }

    Tensor rewritten(const Tensor& tensor, const Tensors& inputs) override {
        const Node&     node   = tensor.node();
        const Channels& behind = needed_.at(&node);
        Tensors         fewer  = inputs;
        switch (kinds_.at(&node)) {
            case Kind::mixes:
                fewer[1] = kept(inputs[1], behind, needed_.at(&node.inputs[0].node()));
                return with_inputs(tensor, fewer);
            case Kind::follows:
                for (Tensor& input : fewer) {
                    if (has_a_row_each(input, node.type.shape)) {
                        input = kept(input, behind, {});
                    }
                }
                return node.op->on_channels != nullptr && fewer != node.inputs ? node.op->on_channels(node, fewer)
                                                                               : with_inputs(tensor, fewer);
            case Kind::whole: break;
        }
        return with_inputs(tensor, inputs);
    }

    std::unordered_map<const Node*, Channels> needed_;
    std::unordered_map<const Node*, Kind>     kinds_;
    std::unordered_map<const Node*, Channels> seen_rows_;  // of the weights of what mixes
    bool                                      changed_ = false;
};

}  // namespace

Roots narrow(const Roots& roots) {
    bool anything = std::ranges::any_of(topological_order(roots.all()), mixes);  // not so in training
    return anything ? Narrowing(roots).run(roots) : roots;
}

}  // namespace hemp
