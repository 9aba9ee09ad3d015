// Any text as the description of a network.

#include "models/description.h"

#include <cstdlib>

using namespace hemp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        Model model = build_described({reinterpret_cast<const char*>(data), size}, 1, "fuzz");
        // What is accepted can be written to a file, and read again it is the same network.
        Model again = build_model(model.source, 1);
        if (again.source != model.source || again.parameters().size() != model.parameters().size()) {
            std::abort();
        }
    } catch (const DataError&) {
    }
    return 0;
}
