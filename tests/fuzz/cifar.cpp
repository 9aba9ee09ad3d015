// Any bytes are CIFAR's records or give a DataError.

#include "datasets/cifar.h"

using namespace hemp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    for (Cifar kind : {Cifar::ten, Cifar::hundred}) {
        try {
            parse_cifar(std::as_bytes(std::span(data, size)), kind, "input");
        } catch (const DataError&) {
        }
    }
    return 0;
}
