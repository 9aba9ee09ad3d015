#include "core/plan/plan.h"

namespace hemp {
namespace {

bool takes_place(const Group& group, const Tensor& value, const MemoryPlan& memory) {
    for (const Tensor& output : group.outputs) {
        auto place = memory.offsets.find(output);
        if (output != value && place != memory.offsets.end() && place->second == memory.offsets.at(value)) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::vector<std::vector<Region>> dead_after(const Plan& plan) {
    std::map<Tensor, size_t> last;  // step that writes or reads a value
    for (size_t step = 0; step < plan.groups.size(); ++step) {
        for (const Tensors* values : {&plan.groups[step].inputs, &plan.groups[step].outputs}) {
            for (const Tensor& value : *values) {
                last[value] = step;
            }
        }
    }
    for (const Tensor& root : plan.roots.all()) {
        last.erase(storage_of(root));  // read when all steps have run
    }
    std::vector<std::vector<Region>> dead(plan.groups.size());
    for (const auto& [value, step] : last) {
        auto place = plan.memory.offsets.find(value);
        if (place != plan.memory.offsets.end() && !takes_place(plan.groups[step], value, plan.memory)) {
            dead[step].push_back({place->second, value.type().bytes()});
        }
    }
    for (size_t step = 0; step < plan.groups.size(); ++step) {
        dead[step].push_back({plan.memory.scratch[step], plan.works[step].scratch_bytes});
    }
    return dead;
}

}  // namespace hemp
