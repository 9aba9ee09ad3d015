#include "layers/pooling.h"

namespace hemp {

Layer max_pooling(const PoolOptions& options) {
    return {.forward = [options](const Tensor& x, Pass&) { return max_pool(x, options); }};
}

Layer average_pooling(const PoolOptions& options) {
    return {.forward = [options](const Tensor& x, Pass&) { return average_pool(x, options); }};
}

Layer global_average_pooling() { return activation(global_average_pool); }

}  // namespace hemp
