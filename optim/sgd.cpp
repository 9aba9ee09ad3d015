#include "optim/sgd.h"

#include "core/ops/add.h"
#include "core/ops/multiply.h"
#include "core/ops/subtract.h"

namespace hemp {

Updates sgd(const Gradients& gradients, const SgdOptions& options) {
    Updates updates;
    for (const auto& [w, gradient] : gradients) {
        Tensor g = gradient;
        if (options.weight_decay != 0 && !options.decoupled) {
            g = g + w * options.weight_decay;
        }
        if (options.momentum != 0) {
            Tensor v     = variable(w.node().name + ".momentum", Array(w.type()));
            Tensor new_v = v * options.momentum + g;
            updates.push_back({v, new_v});
            g = options.nesterov ? g + new_v * options.momentum : new_v;
        }
        if (options.weight_decay != 0 && options.decoupled) {
            g = g + w * options.weight_decay;
        }
        updates.push_back({w, w - options.rate * g});
    }
    return updates;
}

}  // namespace hemp
