#include "layers/residual.h"

#include "core/ops/add.h"
#include "core/ops/pad.h"
#include "core/ops/slice.h"

namespace hemp {

Layer residual(Layer branch, Layer shortcut) {
    Parameters parameters = branch.parameters;
    parameters.insert(parameters.end(), shortcut.parameters.begin(), shortcut.parameters.end());
    return {parameters, [branch = std::move(branch), shortcut = std::move(shortcut)](const Tensor& x, Pass& pass) {
                Tensor y = branch.forward(x, pass);
                Tensor s = shortcut.forward ? shortcut.forward(x, pass) : x;
                expect(y.shape() == s.shape(), "residual: the branch gives {}, the shortcut {}; they must be alike",
                       y.shape(), s.shape());
                return y + s;
            }};
}

Layer subsample(int64_t stride, int64_t filters) {
    return {.forward = [stride, filters](const Tensor& x, Pass&) {
        expect(x.shape().rank() == 4 && x.shape()[1] <= filters,
               "subsample: x has shape {}; it takes [N, C, H, W] with at most {} channels", x.shape(), filters);
        Tensor y = x;
        for (int axis : {2, 3}) {
            y = stride == 1 ? y : slice(y, axis, 0, (y.shape()[axis] + stride - 1) / stride, stride);
        }
        int64_t added = filters - x.shape()[1];
        return added == 0 ? y : pad(y, {0, added / 2, 0, 0}, {0, added - added / 2, 0, 0});
    }};
}

}  // namespace hemp
