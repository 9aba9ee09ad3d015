#include "layers/initialize.h"

#include "core/random.h"

#include <cmath>

namespace hemp {
namespace {

double fan_in(const Shape& shape) {
    expect(shape.rank() >= 2, "initialize: shape {} has no inputs; it needs at least two axes", shape);
    return static_cast<double>(shape.size()) / static_cast<double>(std::max<int64_t>(shape[0], 1));
}

double fan_out(const Shape& shape) { return static_cast<double>(shape.size()) / static_cast<double>(shape[1]); }

}  // namespace

uint64_t stream_of(const std::string& name) {
    uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits
    for (char c : name) {
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    }
    return hash;
}

Array kaiming_normal(const Shape& shape, const Source& source) {
    Array  values(Type{shape});
    Random random(source.seed, stream_of(source.name));
    float  deviation = static_cast<float>(std::sqrt(2 / fan_in(shape)));
    for (int64_t i = 0; i < shape.size(); ++i) {
        values.values<float>()[static_cast<size_t>(i)] = deviation * random.normal(static_cast<uint64_t>(i));
    }
    return values;
}

Array uniform(const Shape& shape, float bound, const Source& source) {
    Array  values(Type{shape});
    Random random(source.seed, stream_of(source.name));
    for (int64_t i = 0; i < shape.size(); ++i) {
        values.values<float>()[static_cast<size_t>(i)] = bound * (2 * random.uniform(static_cast<uint64_t>(i)) - 1);
    }
    return values;
}

Array kaiming_uniform(const Shape& shape, const Source& source) {
    return uniform(shape, static_cast<float>(std::sqrt(1 / fan_in(shape))), source);
}

Array xavier_uniform(const Shape& shape, const Source& source) {
    return uniform(shape, static_cast<float>(std::sqrt(6 / (fan_in(shape) + fan_out(shape)))), source);
}

}  // namespace hemp
