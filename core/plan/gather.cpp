#include "core/plan/plan.h"

#include <algorithm>

namespace hemp {

std::vector<Group> gather(std::vector<Group> groups) {
    std::map<Tensor, size_t> writer;
    for (size_t i = 0; i < groups.size(); ++i) {
        for (const Tensor& output : groups[i].outputs) {
            writer[output] = i;
        }
    }
    for (Group& group : groups) {
        if (group.nodes.size() != 1 || group.last().op->work_along == nullptr) {
            continue;
        }
        auto found = writer.find(group.last().inputs[0]);
        if (found == writer.end() || groups[found->second].is_chain() || groups[found->second].along) {
            continue;
        }
        Group& from = groups[found->second];
        if (work_of(from).stages.back().written) {
            from.along = group.nodes[0];
            from.outputs.push_back(from.along);
            group.nodes.clear();
        }
    }
    std::erase_if(groups, [](const Group& group) { return group.nodes.empty(); });
    return groups;
}

}  // namespace hemp
