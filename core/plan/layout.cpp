#include "core/plan/plan.h"

namespace hemp {

std::map<Tensor, Layout> choose_layouts(const std::vector<Group>& groups) {
    std::map<Tensor, Layout> layouts;
    for (const Group& group : groups) {
        for (const Tensor& output : group.outputs) {
            layouts[output] = Layout::row_major;
        }
    }
    return layouts;
}

}  // namespace hemp
