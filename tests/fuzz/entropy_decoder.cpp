// Any bytes as a code of two tensors of any shapes: the decoder must end, and what it accepts must survive encoding.

#include "hemp/weight_coder.h"

#include <cstdlib>

using namespace hemp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 8) {
        return 0;
    }
    std::vector<Shape> shapes;
    for (size_t tensor = 0; tensor < 2; ++tensor) {
        std::vector<int64_t> lengths;
        for (size_t axis = 0; axis < data[tensor] % 5; ++axis) {
            lengths.push_back(1 + data[2 + 3 * tensor + axis % 3] % 12);
        }
        shapes.push_back(Shape(lengths));
    }
    auto                              begin = reinterpret_cast<const std::byte*>(data + 8);
    WeightDecoder                     decoder({begin, size - 8});
    WeightEncoder                     encoder;
    std::vector<std::vector<int32_t>> decoded;
    for (const Shape& shape : shapes) {
        std::vector<int32_t>& symbols = decoded.emplace_back(shape.size());
        if (!decoder.read(shape, symbols)) {
            return 0;
        }
        encoder.add(shape, symbols);
    }
    std::vector<std::byte> code = encoder.finish();
    WeightDecoder          second(code);
    for (size_t i = 0; i < shapes.size(); ++i) {
        std::vector<int32_t> symbols(decoded[i].size());
        if (!second.read(shapes[i], symbols) || symbols != decoded[i]) {
            std::abort();
        }
    }
    return 0;
}
