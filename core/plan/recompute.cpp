#include "core/plan/plan.h"

#include <algorithm>

// A value of a chain that other groups read is given up where each of them can compute it from what the chain read. The
// saving is counted in values of its size that move: one for each reader, two for the writer (a cache line is read
// before it is written); the price is what the readers must read instead.
namespace hemp {
namespace {

constexpr size_t most_recomputed = 8;  // nodes: so few cost less than the memory they save

bool is_dense(const Tensor& tensor, const Tensor& beside) { return tensor.shape().size() == beside.shape().size(); }

/// A chain's part that computes one of its values.
struct Recipe {
    Tensors          nodes;    // each after its inputs, the value last
    std::set<Tensor> sources;  // what they read that is as large as the value
};

bool is_in_blocks(const Tensor& tensor) { return layout_of(tensor) == "channel blocks"; }

/// Whether a node in blocks of channels has its first `images` operands as they are, the others a value a channel.
bool is_per_channel(const Tensor& tensor, size_t images) {
    const Tensors& inputs         = tensor.node().inputs;
    const Shape&   blocks         = tensor.shape();
    auto           first_channels = inputs.begin() + static_cast<std::ptrdiff_t>(images);
    return std::all_of(inputs.begin(), first_channels, [&](const Tensor& image) { return image.shape() == blocks; }) &&
           std::all_of(first_channels, inputs.end(), [&](const Tensor& channels) {
               const Shape& shape = channels.shape();
               int          rank  = shape.rank();
               return rank >= 4 && shape.size() == blocks[1] * blocks[4] && shape[rank - 1] == blocks[4] &&
                      shape[rank - 4] == blocks[1];
           });
}

/// Can a kernel do it while it reads an image in blocks of channels: the gradient of batch norm?
bool can_be_read_as_gradient(const Recipe& recipe) {
    const Tensor& only = recipe.nodes[0];
    return recipe.nodes.size() == 1 && only.node().op->arithmetic == Arithmetic::normalise_gradient &&
           is_in_blocks(only) && recipe.sources.size() == 2 && is_per_channel(only, 2);
}

/// The same: a normalise, then clamps?
bool can_be_read_through(const Recipe& recipe) {
    const Tensor& first = recipe.nodes[0];
    if (first.node().op->arithmetic != Arithmetic::normalise || !is_in_blocks(first) || recipe.sources.size() != 1 ||
        !is_per_channel(first, 1)) {
        return false;
    }
    for (size_t i = 1; i < recipe.nodes.size(); ++i) {
        const Node& node = recipe.nodes[i].node();
        if (node.op->clamp == nullptr || !node.op->clamp(node) || node.inputs[0] != recipe.nodes[i - 1]) {
            return false;
        }
    }
    return true;
}

class Recomputation {
 public:
    Recomputation(std::vector<Group> groups, const Roots& roots) : groups_(std::move(groups)) {
        for (const Tensor& root : roots.all()) {
            kept_.insert(storage_of(root));
        }
        for (const Tensor& tensor : topological_order(roots.all())) {
            place_[tensor] = place_.size();
        }
        for (size_t i = 0; i < groups_.size(); ++i) {
            for (const Tensor& output : groups_[i].outputs) {
                writer_[output] = i;
            }
            for (const Tensor& input : groups_[i].inputs) {
                readers_[input].insert(i);
            }
        }
    }

    std::vector<Group> run() {
        // In the graph's order: what is given up earlier is part of the recipes of what comes later.
        Tensors values;
        for (const auto& [value, group] : writer_) {
            values.push_back(value);
        }
        std::sort(values.begin(), values.end(),
                  [&](const Tensor& a, const Tensor& b) { return place_.at(a) < place_.at(b); });
        for (const Tensor& value : values) {
            consider(value);
        }
        std::erase_if(groups_, [](const Group& group) { return group.outputs.empty(); });
        return std::move(groups_);
    }

 private:
    Recipe recipe(const Group& writer, const Tensor& value) const {
        std::set<Tensor> members(writer.nodes.begin(), writer.nodes.end()), wanted{value};
        Recipe           result;
        for (size_t i = writer.nodes.size(); i-- > 0;) {
            const Tensor& tensor = writer.nodes[i];
            if (!wanted.contains(tensor)) {
                continue;
            }
            result.nodes.insert(result.nodes.begin(), tensor);
            for (const Tensor& input : tensor.node().inputs) {
                if (members.contains(input)) {
                    wanted.insert(input);
                } else if (is_dense(input, value)) {
                    result.sources.insert(storage_of(input));
                }
            }
        }
        return result;
    }

    /// True when every use of the value in the group is as an operand of the same shape, not as a view of it or
    /// repeated.
    bool reads_plainly(const Group& reader, const Tensor& value) const {
        for (const Tensor& tensor : reader.nodes) {
            for (const Tensor& input : tensor.node().inputs) {
                bool plain = input == value &&
                             (tensor.node().op->reduction != Reduction::none || tensor.shape() == value.shape());
                if (storage_of(input) == value && !plain) {
                    return false;
                }
            }
        }
        return true;
    }

    bool can_compute(const Group& reader, const Tensor& value, const Recipe& recipe) const {
        if (reader.is_chain()) {
            return reads_plainly(reader, value) && reader.nodes.size() + recipe.nodes.size() <= most_chained;
        }
        const Node& node = reader.last();
        auto        only = [&](size_t operand) {
            return reader.inputs[operand] == value && node.inputs[operand] == value &&
                   std::count(reader.inputs.begin(), reader.inputs.end(), value) == 1;
        };
        return (node.op->normalised_operand && only(*node.op->normalised_operand) && can_be_read_through(recipe)) ||
               (node.op->reads_gradient != nullptr && only(0) && can_be_read_as_gradient(recipe) &&
                node.op->reads_gradient(node));
    }

    void consider(const Tensor& value) {
        Group& writer = groups_[writer_.at(value)];
        if (!writer.is_chain() || value.node().op->tile == nullptr || kept_.contains(value)) {
            return;
        }
        Recipe recipe = this->recipe(writer, value);
        if (recipe.sources.empty() || recipe.nodes.size() > most_recomputed) {
            return;
        }
        size_t saved = 2, price = 0;
        for (size_t i : readers_[value]) {
            if (!can_compute(groups_[i], value, recipe)) {
                return;
            }
            ++saved;
            for (const Tensor& source : recipe.sources) {
                bool there =
                    std::find(groups_[i].inputs.begin(), groups_[i].inputs.end(), source) != groups_[i].inputs.end();
                price += there ? 0 : 1;
            }
        }
        if (price > saved) {
            return;
        }
        std::set<size_t> readers = readers_[value];
        for (size_t i : readers) {
            add(i, recipe.nodes);
        }
        std::erase(writer.outputs, value);
        drop_unused(writer_.at(value));
    }

    void add(size_t group, const Tensors& nodes) {
        std::set<Tensor> members(groups_[group].nodes.begin(), groups_[group].nodes.end());
        members.insert(nodes.begin(), nodes.end());
        set_nodes(group, members);
    }

    /// Leaves only what the group's outputs need.
    void drop_unused(size_t group) {
        std::set<Tensor> needed(groups_[group].outputs.begin(), groups_[group].outputs.end());
        for (size_t i = groups_[group].nodes.size(); i-- > 0;) {
            const Tensor& tensor = groups_[group].nodes[i];
            if (needed.contains(tensor)) {
                needed.insert(tensor.node().inputs.begin(), tensor.node().inputs.end());
            }
        }
        std::set<Tensor> members;
        for (const Tensor& tensor : groups_[group].nodes) {
            if (needed.contains(tensor)) {
                members.insert(tensor);
            }
        }
        set_nodes(group, members);
    }

    void set_nodes(size_t i, const std::set<Tensor>& members) {
        Group& group = groups_[i];
        for (const Tensor& input : group.inputs) {
            readers_[input].erase(i);
        }
        group.nodes.assign(members.begin(), members.end());
        std::sort(group.nodes.begin(), group.nodes.end(),
                  [&](const Tensor& a, const Tensor& b) { return place_.at(a) < place_.at(b); });
        group.inputs = group.nodes.empty() ? Tensors{} : inputs_of(group);
        for (const Tensor& input : group.inputs) {
            readers_[input].insert(i);
        }
    }

    std::vector<Group>                 groups_;
    std::set<Tensor>                   kept_;   // values of the roots
    std::map<Tensor, size_t>           place_;  // in the graph's order
    std::map<Tensor, size_t>           writer_;
    std::map<Tensor, std::set<size_t>> readers_;
};

}  // namespace

std::vector<Group> recompute(std::vector<Group> groups, const Roots& roots) {
    return Recomputation(std::move(groups), roots).run();
}

Reading reading_of(const Group& group, size_t others) {
    Reading reading;
    size_t  next = others + group.last().inputs.size() - 1;
    for (const Tensor& operand : group.last().inputs) {
        Tensors through = read_through(group, operand);
        if (through.empty()) {
            continue;
        }
        const Node& first = through.back().node();
        through.pop_back();
        if (first.op->arithmetic == Arithmetic::normalise_gradient) {
            reading.gradient = {.x = next, .six = first.integer("six") != 0};
        } else {
            reading.normalised = {.centre = next, .clamp = {}};
        }
        for (; !through.empty(); through.pop_back()) {
            const Node& clamp         = through.back().node();
            reading.normalised->clamp = reading.normalised->clamp.then(*clamp.op->clamp(clamp));
        }
        next += first.inputs.size() - 1;
    }
    return reading;
}

}  // namespace hemp
