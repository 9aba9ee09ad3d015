#include "core/plan/plan.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <queue>
#include <unordered_map>
#include <utility>

// Consumers first: a value that only the backward pass needs (the mask of an activation) is computed there and never
// written, and a reduction finds the chain that it ends. Two groups become one unless a third must run between them.
namespace hemp {

Tensor storage_of(Tensor tensor) {
    while (tensor.node().op->alias) {
        tensor = tensor.node().inputs[0];
    }
    return tensor;
}

Tensors read_through(const Group& group, Tensor operand) {
    Tensors through;
    while (std::find(group.nodes.begin(), group.nodes.end(), operand) != group.nodes.end()) {
        through.push_back(operand);
        operand = operand.node().inputs[0];
    }
    return through;
}

Tensors inputs_of(const Group& group) {
    if (!group.is_chain()) {
        Tensors inputs, others;
        for (const Tensor& operand : group.last().inputs) {
            Tensors through = read_through(group, operand);
            if (through.empty()) {
                inputs.push_back(storage_of(operand));
                continue;
            }
            const Tensors& from = through.back().node().inputs;
            inputs.push_back(storage_of(from[0]));
            std::transform(from.begin() + 1, from.end(), std::back_inserter(others), storage_of);
        }
        inputs.insert(inputs.end(), others.begin(), others.end());
        return inputs;
    }
    std::set<Tensor> members(group.nodes.begin(), group.nodes.end()), read;
    Tensors          inputs;
    for (const Tensor& tensor : group.nodes) {
        for (const Tensor& input : tensor.node().inputs) {
            Tensor source = storage_of(input);
            bool   inside = members.contains(source) && source == input;
            if (!inside && read.insert(source).second) {
                inputs.push_back(source);
            }
        }
    }
    return inputs;
}

namespace {

bool is_leaf(const Tensor& tensor) { return tensor.node().inputs.empty() && tensor.node().op->work == nullptr; }

bool is_elementwise(const Tensor& tensor) { return tensor.node().op->tile != nullptr; }

/// The shape that a chain with this node walks.
const Shape& walked_shape(const Tensor& tensor) {
    return is_elementwise(tensor) ? tensor.shape() : tensor.node().inputs[0].shape();
}

class Fusion {
 public:
    Fusion(const Roots& roots, size_t most) : order_(topological_order(roots.all())), most_(most) {
        for (const Tensor& tensor : order_) {
            if (!is_leaf(tensor) && !tensor.node().op->alias) {
                number_[&tensor.node()] = groups_.size();
                groups_.push_back({{tensor}, {}, {}, groups_.size(), groups_.size()});
                parent_.push_back(parent_.size());
            }
        }
        for (size_t i = 0; i < groups_.size(); ++i) {
            for (const Tensor& input : groups_[i].nodes[0].node().inputs) {
                Tensor source = storage_of(input);
                if (!is_leaf(source)) {
                    size_t from = number_.at(&source.node());
                    groups_[i].before.insert(from);
                    bool whole = source.node().op->reduction != Reduction::none || source != input;
                    if (whole) {
                        groups_[i].whole.insert(from);
                    } else {
                        readers_[from].push_back(i);
                    }
                }
            }
        }
    }

    std::vector<Group> run(const Roots& roots) {
        for (size_t i = groups_.size(); i-- > 0;) {
            if (!is_elementwise(groups_[i].nodes[0])) {
                continue;
            }
            for (size_t reader : readers_[i]) {
                join(i, reader);
            }
        }
        return finished(roots);
    }

 private:
    struct Draft {
        Tensors          nodes;
        std::set<size_t> before;  // groups (by any of their members) that this one reads
        std::set<size_t> whole;   // those of which it reads a reduction, or a view: not tile by tile
        size_t           first;   // least and greatest number of a member
        size_t           last;
    };

    size_t find(size_t i) {
        while (parent_[i] != i) {
            parent_[i] = parent_[parent_[i]];
            i          = parent_[i];
        }
        return i;
    }

    /// True when `to` is reached from `from` backwards through at least one other group. What comes first in the graph
    /// is looked at first: a backward operator reads forward values beside `to`, and the whole way from the end of the
    /// graph is not walked for each of them.
    bool reached_around(size_t from, size_t to) {
        std::priority_queue<size_t, std::vector<size_t>, std::greater<>> path;
        seen_.resize(groups_.size());
        ++walk_;
        seen_[from] = seen_[to] = walk_;
        auto enter              = [&](size_t before) {
            size_t group = find(before);
            // A group reads only lower numbers than its own last: without this, a deep graph would be walked to its
            // start for every pair.
            if (groups_[group].last > groups_[to].first && std::exchange(seen_[group], walk_) != walk_) {
                path.push(group);
            }
        };
        for (size_t before : groups_[from].before) {
            enter(before);
        }
        while (!path.empty()) {
            size_t here = path.top();
            path.pop();
            for (size_t before : groups_[here].before) {
                if (find(before) == to) {
                    return true;
                }
                enter(before);
            }
        }
        return false;
    }

    /// Joins the group of node `b` with that of node `a`, which it reads.
    void join(size_t a, size_t b) {
        a                  = find(a);
        b                  = find(b);
        const Node& reader = groups_[b].nodes[0].node();
        bool        chain  = reader.op->work == nullptr;
        if (a == b || !chain || walked_shape(groups_[a].nodes[0]) != walked_shape(groups_[b].nodes[0]) ||
            groups_[a].nodes.size() + groups_[b].nodes.size() > most_ || reads_whole(b, a) || reached_around(b, a)) {
            return;
        }
        parent_[a] = b;
        groups_[b].nodes.insert(groups_[b].nodes.end(), groups_[a].nodes.begin(), groups_[a].nodes.end());
        groups_[b].before.insert(groups_[a].before.begin(), groups_[a].before.end());
        groups_[b].whole.insert(groups_[a].whole.begin(), groups_[a].whole.end());
        groups_[b].first = std::min(groups_[b].first, groups_[a].first);
        groups_[b].last  = std::max(groups_[b].last, groups_[a].last);
        groups_[a]       = {};
    }

    bool reads_whole(size_t reader, size_t from) {
        return std::any_of(groups_[reader].whole.begin(), groups_[reader].whole.end(),
                           [&](size_t i) { return find(i) == from; });
    }

    std::vector<Group> finished(const Roots& roots) {
        std::map<Tensor, size_t> place;
        for (size_t i = 0; i < order_.size(); ++i) {
            place[order_[i]] = i;
        }
        // A value goes to memory when a root or another group wants it, or a node of its own that reads it whole.
        std::set<Tensor> written;
        for (const Tensor& root : roots.all()) {
            written.insert(storage_of(root));
        }
        for (const Tensor& tensor : order_) {
            for (const Tensor& input : tensor.node().inputs) {
                Tensor source = storage_of(input);
                if (is_leaf(source) || tensor.node().op->alias) {
                    continue;
                }
                bool inside = source == input && find(number_.at(&source.node())) == find(number_.at(&tensor.node()));
                if (!inside) {
                    written.insert(source);
                }
            }
        }
        std::vector<Group> result;
        for (Draft& draft : groups_) {
            if (draft.nodes.empty()) {
                continue;
            }
            std::sort(draft.nodes.begin(), draft.nodes.end(),
                      [&](const Tensor& a, const Tensor& b) { return place[a] < place[b]; });
            Group group{draft.nodes, {}, {}};
            for (const Tensor& tensor : group.nodes) {
                if (written.contains(tensor)) {
                    group.outputs.push_back(tensor);
                }
            }
            group.inputs = inputs_of(group);
            result.push_back(std::move(group));
        }
        return result;
    }

    Tensors                                 order_;
    size_t                                  most_;  // nodes of a group
    std::unordered_map<const Node*, size_t> number_;
    std::vector<Draft>                      groups_;
    std::vector<size_t>                     parent_;
    std::vector<size_t>                     seen_;      // for each group, the walk that met it last
    size_t                                  walk_ = 0;  // of reached_around
    std::map<size_t, std::vector<size_t>>   readers_;
};

}  // namespace

std::vector<Group> fuse(const Roots& roots, size_t most) { return Fusion(roots, most).run(roots); }

}  // namespace hemp
