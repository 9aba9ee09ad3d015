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
        find_depths();
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
            return groups_[i].nodes.empty() || groups_[i].last().inputs[0] != node.inputs[0] ||
                   !node.op->beside(node, groups_[i].last());
        });
        return beside;
    }

    bool may_join(size_t joining, size_t other) const {
        const Group& group = groups_[joining];
        const Group& to    = groups_[other];
        if (joining == other || to.is_chain() || !group.along.empty() || depth_[joining] < depth_[other]) {
            return false;
        }
        for (size_t i = 1; i < group.inputs.size(); ++i) {
            auto found = writer_.find(group.inputs[i]);
            if (found != writer_.end() && depth_[found->second] >= depth_[other]) {
                return false;
            }
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

    /// How many groups must run one after another before each. Groups depend on less deep ones only, and `may_join`
    /// keeps it so: there is never a circle.
    void find_depths() {
        depth_.assign(groups_.size(), 0);
        std::vector<size_t> left;
        for (size_t i = 0; i < groups_.size(); ++i) {
            left.push_back(i);
            while (!left.empty()) {
                size_t group = left.back(), depth = 1;
                size_t known = left.size();
                for (const Tensor& input : groups_[group].inputs) {
                    auto found = writer_.find(input);
                    if (found != writer_.end() && depth_[found->second] == 0) {
                        left.push_back(found->second);
                    } else if (found != writer_.end()) {
                        depth = std::max(depth, depth_[found->second] + 1);
                    }
                }
                if (left.size() == known) {
                    depth_[group] = depth;
                    left.pop_back();
                }
            }
        }
    }

    std::vector<Group>                    groups_;
    std::map<Tensor, size_t>              writer_;   // of each value, the group
    std::map<Tensor, std::vector<size_t>> readers_;  // of each value, the groups
    std::vector<size_t>                   depth_;    // of each group
};

}  // namespace

std::vector<Group> gather(std::vector<Group> groups) { return Gathering(std::move(groups)).run(); }

}  // namespace hemp
