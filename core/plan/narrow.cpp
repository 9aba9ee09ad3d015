#include "core/ops/gather.h"
#include "core/ops/transpose.h"
#include "core/plan/rewrite.h"

#include <algorithm>
#include <numeric>

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

/// Rows of a tensor of constants, those that are marked.
Tensor marked_rows(const Tensor& tensor, const Channels& marks) {
    if (has_all(marks)) {
        return tensor;
    }
    Array              numbers(Type{{std::ranges::count(marks, true)}, DType::i32});
    std::span<int32_t> next = numbers.values<int32_t>();
    for (size_t row = 0; row < marks.size(); ++row) {
        if (marks[row]) {
            next[0] = static_cast<int32_t>(row);
            next    = next.subspan(1);
        }
    }
    return gather(tensor, constant(std::move(numbers)));
}

Tensor marked_columns(const Tensor& tensor, const Channels& marks) {
    if (has_all(marks)) {
        return tensor;
    }
    std::vector<int> axes(static_cast<size_t>(tensor.shape().rank()));
    std::iota(axes.begin(), axes.end(), 0);
    std::swap(axes[0], axes[1]);
    return transpose(marked_rows(transpose(tensor, axes), marks), axes);
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

Kind kind_of(const Tensor& tensor) {
    const Node&     node = tensor.node();
    const Operator& op   = *node.op;
    if (node.inputs.empty() || channels_of(tensor) == 0) {
        return Kind::whole;
    }
    if (is_elementwise(node)) {
        return Kind::follows;
    }
    bool images = channels_of(node.inputs[0]) > 0 && !is_constant(node.inputs[0]);
    if (images && op.mixes_channels != nullptr && op.mixes_channels(node) && is_constant(node.inputs[1])) {
        return Kind::mixes;
    }
    bool others  = std::all_of(node.inputs.begin() + 1, node.inputs.end(),
                               [&](const Tensor& input) { return has_a_row_each(input, node.type.shape); });
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
            changed_ = false;
            for (auto each = order.rbegin(); each != order.rend(); ++each) {
                settle(*each);
            }
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
        std::span<const float> weights = node.inputs[1].node().value->values<float>();
        size_t                 taps    = weights.size() / (rows.size() * columns.size());
        for (size_t row = 0; row < rows.size() && !has_all(columns); ++row) {
            for (size_t column = 0; rows[row] && column < columns.size(); ++column) {
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
        Tensors         narrow = inputs;
        switch (kinds_.at(&node)) {
            case Kind::mixes:
                narrow[1] = marked_columns(marked_rows(inputs[1], behind), needed_.at(&node.inputs[0].node()));
                return with_inputs(tensor, narrow);
            case Kind::follows:
                for (Tensor& input : narrow) {
                    if (has_a_row_each(input, node.type.shape)) {
                        input = marked_rows(input, behind);
                    }
                }
                return node.op->on_channels != nullptr && narrow != node.inputs ? node.op->on_channels(node, narrow)
                                                                                : with_inputs(tensor, narrow);
            case Kind::whole: break;
        }
        return with_inputs(tensor, inputs);
    }

    std::unordered_map<const Node*, Channels> needed_;
    std::unordered_map<const Node*, Kind>     kinds_;
    bool                                      changed_ = false;
};

}  // namespace

Roots narrow(const Roots& roots) { return Narrowing(roots).run(roots); }

}  // namespace hemp
