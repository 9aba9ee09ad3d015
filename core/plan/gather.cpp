#include "core/ops/alongside.h"
#include "core/plan/plan.h"

#include <algorithm>

namespace hemp {
namespace {

class Gathering {
 public:
    explicit Gathering(std::vector<Group> groups) : groups_(std::move(groups)) {
        for (size_t i = 0; i < groups_.size(); ++i) {
            for (const Tensor& output : groups_[i].outputs) {
                writer_[output] = i;
            }
            for (const Tensor& input : groups_[i].inputs) {
                readers_[input].push_back(i);
            }
        }
    }

    std::vector<Group> run() {
        for (size_t i = 0; i < groups_.size(); ++i) {
            if (groups_[i].last().op->work_along != nullptr) {
                for (size_t other : candidates(groups_[i])) {
                    if (may_join(i, other)) {
                        join(i, other);
                        break;
                    }
                }
            }
        }
        std::erase_if(groups_, [](const Group& group) { return group.nodes.empty(); });
        return std::move(groups_);
    }

 private:
    /// The groups whose pieces may have what a group's node begins with.
    std::vector<size_t> candidates(const Group& group) const {
        const Node& node = group.last();
        if (node.op->beside == nullptr) {
            auto found = writer_.find(node.inputs[0]);
            bool first = found != writer_.end() && groups_[found->second].outputs[0] == node.inputs[0];
            return first ? std::vector<size_t>{found->second} : std::vector<size_t>();
        }
        std::vector<size_t> beside = readers_.at(group.inputs[0]);
        std::erase_if(beside, [&](size_t i) {
            return groups_[i].nodes.size() != 1 || !node.op->beside(node, groups_[i].last());
        });
        return beside;
    }

    bool may_join(size_t joining, size_t other) const {
        const Group& group = groups_[joining];
        const Group& to    = groups_[other];
        if (joining == other || to.is_chain() || !group.along.empty() ||
            waits_for({group.inputs.begin() + 1, group.inputs.end()}, other) || waits_for(to.inputs, joining)) {
            return false;
        }
        Work work = work_of(to);
        return writing_stage(work) != nullptr;
    }

    void join(size_t joining, size_t other) {
        Group& to    = groups_[other];
        Group  group = std::move(groups_[joining]);
        group.others = to.inputs.size();
        to.inputs.insert(to.inputs.end(), group.inputs.begin() + 1, group.inputs.end());
        to.outputs.insert(to.outputs.end(), group.outputs.begin(), group.outputs.end());
        for (const Tensor& output : group.outputs) {
            writer_[output] = other;
        }
        to.along.push_back(std::move(group));
        groups_[joining].nodes.clear();
    }

    /// Must a group have run before these values are there?
    bool waits_for(Tensors values, size_t group) const {
        std::set<size_t> seen;
        while (!values.empty()) {
            auto found = writer_.find(values.back());
            values.pop_back();
            if (found != writer_.end() && seen.insert(found->second).second) {
                if (found->second == group) {
                    return true;
                }
                const Tensors& inputs = groups_[found->second].inputs;
                values.insert(values.end(), inputs.begin(), inputs.end());
            }
        }
        return false;
    }

    std::vector<Group>                    groups_;
    std::map<Tensor, size_t>              writer_;   // of each value, the group
    std::map<Tensor, std::vector<size_t>> readers_;  // of each value, the groups
};

}  // namespace

std::vector<Group> gather(std::vector<Group> groups) { return Gathering(std::move(groups)).run(); }

}  // namespace hemp
