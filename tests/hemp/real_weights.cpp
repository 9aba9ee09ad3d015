#include "tests/hemp/real_weights.h"

#include <cmath>
#include <cstdlib>

namespace hemp {

std::vector<NamedArray> real_weights(const std::string& name) {
    const char* folder = std::getenv("HEMP_DATA");
    if (folder == nullptr) {
        return {};
    }
    Safetensors content = read_safetensors(std::string(folder) + "/weights/" + name + ".safetensors", size_t{1} << 26);
    std::erase_if(content.arrays, [](const NamedArray& array) { return array.values.shape().rank() < 2; });
    return std::move(content.arrays);
}

std::vector<int32_t> rounded(const Array& values, float step) {
    std::vector<int32_t> integers;
    for (float value : values.values<float>()) {
        integers.push_back(static_cast<int32_t>(std::nearbyint(value / step)));
    }
    return integers;
}

}  // namespace hemp
