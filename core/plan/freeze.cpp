#include "core/plan/plan.h"
#include "core/substitute.h"

namespace hemp {

Roots freeze(const Roots& roots) {
    for (const Update& update : roots.updates) {
        fail("compile: variables are frozen, but '{}' is updated", update.variable.node().name);
    }
    std::map<Tensor, Tensor> constants;
    for (const Tensor& tensor : topological_order(roots.all())) {
        if (is_variable(tensor)) {
            constants[tensor] = frozen(tensor);
        }
    }
    Roots result;
    result.outputs = substitute(roots.outputs, constants);
    return result;
}

}  // namespace hemp
