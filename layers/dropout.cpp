#include "layers/dropout.h"

#include "core/ops/dropout.h"
#include "layers/initialize.h"

namespace hemp {

Layer dropout(const std::string& name, float rate, uint64_t seed) {
    return {.forward = [=](const Tensor& x, Pass& pass) {
        if (!pass.training) {
            return x;
        }
        expect(bool(pass.step), "dropout '{}': a training pass has no step to draw from; set Pass::step", name);
        return dropout(x, rate, seed, stream_of(name), pass.step);
    }};
}

}  // namespace hemp
