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
        }
    }

    std::vector<Group> run() {
        for (Group& group : groups_) {
            if (group.nodes.size() == 1 && group.last().op->work_along != nullptr) {
                gather(group);
            }
        }
        std::erase_if(groups_, [](const Group& group) { return group.nodes.empty(); });
        return std::move(groups_);
    }

 private:
    void gather(Group& group) {
        auto found = writer_.find(group.last().inputs[0]);
        if (found == writer_.end() || groups_[found->second].is_chain() || groups_[found->second].along) {
            return;
        }
        Group&  from = groups_[found->second];
        Tensors others(group.inputs.begin() + 1, group.inputs.end());
        if (!work_of(from).stages.back().written || need(others, found->second)) {
            return;
        }
        from.along  = group.nodes[0];
        from.others = from.inputs.size();
        from.inputs.insert(from.inputs.end(), others.begin(), others.end());
        from.outputs.push_back(from.along);
        writer_[from.along] = found->second;
        group.nodes.clear();
    }

    /// Must a group have run before these values are there?
    bool need(Tensors values, size_t group) const {
        std::set<size_t> seen;
        while (!values.empty()) {
            auto found = writer_.find(storage_of(values.back()));
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

    std::vector<Group>       groups_;
    std::map<Tensor, size_t> writer_;  // of each value, the group
};

}  // namespace

std::vector<Group> gather(std::vector<Group> groups) { return Gathering(std::move(groups)).run(); }

}  // namespace hemp
