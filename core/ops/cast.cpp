#include "core/ops/cast.h"

#include "core/ops/elementwise.h"

#include <algorithm>
#include <limits>

// Change of element type. Integers carry no gradient.
namespace hemp {
namespace {

Type infer(const Node& node) {
    DType from = node.inputs[0].dtype();
    DType to   = static_cast<DType>(node.integer("dtype"));
    expect((from == DType::f32) != (to == DType::f32) && from != DType::i64 && to != DType::i64,
           "cast: from {} to {} is not supported; one of both must be f32, the other i32 or u8", name_of(from),
           name_of(to));
    return {node.inputs[0].shape(), to};
}

Tensors gradient(const Tensor&, const Tensor&) { return {Tensor()}; }

template <class From, class To>
HEMP_INLINE To convert(From x) {
    if constexpr (std::is_same_v<To, float>) {
        return static_cast<float>(x);
    } else {
        // The largest float below 2^31 for i32, 255 for u8: a conversion out of range is undefined.
        constexpr float low  = std::is_same_v<To, uint8_t> ? 0.0f : -0x1p31f;
        constexpr float high = std::is_same_v<To, uint8_t> ? 255.0f : 0x1.fffffep30f;
        return static_cast<To>(x == x ? std::clamp(x, low, high) : 0.0f);
    }
}

template <class From, class To>
struct Convert {
    template <class V>
    HEMP_INLINE static void run(const void* const* inputs, void* output, int64_t count) {
        const From* x = static_cast<const From*>(inputs[0]);
        To*         y = static_cast<To*>(output);
        for (int64_t i = 0; i < count; ++i) {
            y[i] = convert<From, To>(x[i]);
        }
    }
};

template <class From, class To>
TileFunction convert_tile() {
    return kernel<Convert<From, To>, void(const void* const*, void*, int64_t)>();
}

TileFunction tile(const Node& node) {
    switch (node.inputs[0].dtype()) {
        case DType::u8: return convert_tile<uint8_t, float>();
        case DType::i32: return convert_tile<int32_t, float>();
        default: break;
    }
    return node.type.dtype == DType::u8 ? convert_tile<float, uint8_t>() : convert_tile<float, int32_t>();
}

const Operator cast_operator{
    .name     = "cast",
    .infer    = infer,
    .gradient = gradient,
    .tile     = tile,
};

}  // namespace

Tensor cast(const Tensor& x, DType dtype) {
    return x.dtype() == dtype ? x : node(cast_operator, {x}, {{"dtype", static_cast<int64_t>(dtype)}});
}

}  // namespace hemp
