// Networks that hemp trained, in the files that its results are about: they decode for ever, to the same values.

#include "cli/evaluate.h"
#include "core/file/file.h"
#include "core/file/hash.h"
#include "datasets/dataset.h"
#include "hemp/package.h"
#include "tests/plain_decoder.h"

#include <doctest/doctest.h>

#include <cstdlib>

namespace hemp {
namespace {

struct Trained {
    const char* name;  ///< of the file; with a number: of that seed
    const char* model;
    size_t      bytes;     ///< of the file
    std::string values;    ///< hash of the values of all tensors
    double      accuracy;  ///< on MNIST's test images; 0: it is for others
};

const Trained trained_files[] = {
    {"lenet300", "lenet300", 4157, "72ab7789b8b71fd54a78c566f9ae65b6", 98.95},
    {"lenet300-2", "lenet300", 4041, "e67b2765f6141e273f4452743a72d109", 98.76},
    {"lenet300-3", "lenet300", 4157, "a35d5ebdd3d0578338b03f17e65ddfcc", 98.85},
    {"lenet5", "lenet5", 2104, "a2b777eee4a019c9d0cbe36e5b5f812c", 99.26},
    {"lenet5-accurate", "lenet5", 2004, "5bc20abd9a8e12b6b03748af23c1a589", 99.23},
    {"lenet5-accurate-2", "lenet5", 1975, "fffbc703a696b9bb6831f2368f59545c", 99.32},
    {"lenet5-accurate-3", "lenet5", 1983, "52b9974ddeaf0f8c7e36407d4a4664de", 99.13},
    {"lenet5-small", "lenet5", 1430, "fecc29395cdca95a34d504c071b51888", 99.15},
    {"resnet20", "resnet20", 40705, "884ee08bea55c4f2be1021ca00413882", 0},  // of photographs: not measured here
    {"resnet32", "resnet32", 64452, "bddf0a62ee3b97d25d0ee25cc42c378d", 0},
};

Bytes bytes_of(const Trained& trained) {
    return read_file(std::string(HEMP_SOURCE_ROOT "/tests/golden/trained/") + trained.name + ".hemp", 1 << 20);
}

}  // namespace

TEST_CASE("trained files decode for ever, by two decoders") {
    for (const Trained& trained : trained_files) {
        CAPTURE(trained.name);
        Bytes    bytes = bytes_of(trained);
        HempFile file  = decode(bytes, trained.name, model_spec);
        CHECK(bytes.size() == trained.bytes);
        CHECK(file.model == trained.model);
        PlainFile plain = plain_decode(bytes, model_spec);
        REQUIRE(plain.tensors.size() == file.tensors.size());
        Hash hash;
        for (size_t i = 0; i < file.tensors.size(); ++i) {
            Array values = dequantize(file.tensors[i]);
            hash.add({static_cast<const std::byte*>(values.memory()), values.bytes()});
            CHECK(std::ranges::equal(values.values<float>(), plain.tensors[i].values));
        }
        CHECK(hash.hex() == trained.values);
    }
}

TEST_CASE("trained files have the accuracy that the results say") {
    const char* data = std::getenv("HEMP_DATA");
    if (data == nullptr) {
        MESSAGE("skipped: set HEMP_DATA to the folder that holds mnist/");
        return;
    }
    Dataset test = load_dataset(std::string(data) + "/mnist", Part::test);
    for (const Trained& trained : trained_files) {
        if (trained.accuracy == 0) {
            continue;
        }
        CAPTURE(trained.name);
        Model model = build_model(trained.model, 1);
        load(model, decode(bytes_of(trained), trained.name, model_spec), trained.name);
        // Instruction sets round differently: an image or two may lie on the border.
        CHECK(Evaluator(model).run(test).accuracy == doctest::Approx(trained.accuracy).epsilon(0.0002));
    }
}

}  // namespace hemp
