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

std::string_view name_of(Layout layout) {
    switch (layout) {
        case Layout::row_major: return "row-major";
    }
    fail("layout: unknown");
}

}  // namespace hemp
