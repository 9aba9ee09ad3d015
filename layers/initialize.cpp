#include "layers/initialize.h"

#include "core/random.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace hemp {
namespace {

Random random_of(const Source& source) { return Random(source.seed, stream_of(source.name)); }

double fan_in(const Shape& shape) {
    expect(shape.rank() >= 2, "initialize: shape {} has no inputs; it needs at least two axes", shape);
    return static_cast<double>(shape.size()) / static_cast<double>(std::max<int64_t>(shape[0], 1));
}

double fan_out(const Shape& shape) {
    expect(shape.rank() >= 2, "initialize: shape {} has no inputs; it needs at least two axes", shape);
    return static_cast<double>(shape.size()) / static_cast<double>(std::max<int64_t>(shape[1], 1));
}

Array normal(const Shape& shape, float deviation, const Source& source) {
    return Array(Type{shape}, [deviation, random = random_of(source)](std::span<float> values) {
        for (size_t i = 0; i < values.size(); ++i) {
            values[i] = deviation * random.normal(i);
        }
    });
}

}  // namespace

uint64_t stream_of(const std::string& name) {
    uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits
    for (char c : name) {
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    }
    return hash;
}

Array kaiming_normal(const Shape& shape, const Source& source) {
    return normal(shape, static_cast<float>(std::sqrt(2 / fan_in(shape))), source);
}

Array kaiming_normal_outputs(const Shape& shape, const Source& source) {
    return normal(shape, static_cast<float>(std::sqrt(2 / fan_out(shape))), source);
}

Array small_normal(const Shape& shape, const Source& source) { return normal(shape, 0.01f, source); }

Array uniform(const Shape& shape, float bound, const Source& source) {
    return Array(Type{shape}, [bound, random = random_of(source)](std::span<float> values) {
        // Random::uniform, the four numbers of a block at a time.
        for (size_t i = 0; i < values.size(); i += 4) {
            std::array<uint32_t, 4> words = random.block(i / 4);
            for (size_t k = 0; k < std::min<size_t>(4, values.size() - i); ++k) {
                values[i + k] = bound * (2 * (static_cast<float>(words[k] >> 8) * 0x1p-24f) - 1);
            }
        }
    });
}

Array kaiming_uniform(const Shape& shape, const Source& source) {
    return uniform(shape, static_cast<float>(std::sqrt(1 / fan_in(shape))), source);
}

FirstValues first_values(const std::string& layer, const Shape& weight, Initializer initializer, uint64_t seed) {
    Source of_weight{seed, layer + ".weight"};
    if (initializer != nullptr) {
        return {initializer(weight, of_weight), Array(Type{{weight[0]}})};
    }
    float bound = 1 / std::sqrt(static_cast<float>(fan_in(weight)));
    return {kaiming_uniform(weight, of_weight), uniform({weight[0]}, bound, {seed, layer + ".bias"})};
}

Array xavier_uniform(const Shape& shape, const Source& source) {
    return uniform(shape, static_cast<float>(std::sqrt(6 / (fan_in(shape) + fan_out(shape)))), source);
}

}  // namespace hemp
