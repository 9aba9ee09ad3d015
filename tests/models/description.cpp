#include "models/description.h"

#include "core/run/program.h"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <iterator>

using namespace hemp;

namespace {

std::string example() {
    std::ifstream file(HEMP_SOURCE_ROOT "/examples/small-resnet.json");
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The text of a network for images [2, 4, 4] with these layers.
std::string with_layers(const std::string& layers) { return R"({"image":[2,4,4],"layers":[)" + layers + "]}"; }

std::string refusal(const std::string& text) {
    try {
        build_described(text, 1, "net.json");
    } catch (const DataError& error) {
        return error.what();
    }
    return "accepted";
}

void check_refused(const std::string& text, const std::string& words) {
    std::string message = refusal(text);
    CAPTURE(message);
    CHECK(message.starts_with("net.json: "));
    CHECK(message.find(words) != std::string::npos);
    CHECK(message.find(';') != std::string::npos);
}

std::vector<std::string> names(const Model& model) {
    std::vector<std::string> names;
    for (const Parameter& each : model.parameters()) {
        names.push_back(each.name + " " + to_string(each.variable.shape()));
    }
    return names;
}

}  // namespace

TEST_CASE("a network described by a text") {
    Model model = build_described(example(), 1, "small-resnet.json");

    SUBCASE("has the images, normalisation and classes that it says") {
        CHECK(model.name == "small-resnet");
        CHECK(model.image == Shape{1, 28, 28});
        CHECK(model.classes == 10);
        CHECK(model.mean == std::vector<float>{0.1307f});
        CHECK(model.deviation == std::vector<float>{0.3081f});
    }
    SUBCASE("has tensors named by place or by name, in the order of its layers") {
        CHECK(names(model) ==
              std::vector<std::string>{"0.weight [8, 1, 3, 3]", "1.weight [8]", "1.bias [8]", "1.running_mean [8]",
                                       "1.running_var [8]", "3.branch.0.weight [16, 8, 3, 3]", "3.branch.1.weight [16]",
                                       "3.branch.1.bias [16]", "3.branch.1.running_mean [16]",
                                       "3.branch.1.running_var [16]", "3.branch.3.weight [16, 16, 3, 3]",
                                       "3.branch.4.weight [16]", "3.branch.4.bias [16]", "3.branch.4.running_mean [16]",
                                       "3.branch.4.running_var [16]", "fc.weight [10, 16]", "fc.bias [10]"});
    }
    SUBCASE("is what its source describes again") {
        CHECK(is_description(model.source));
        Model again = build_model(model.source, 1);
        CHECK(again.source == model.source);
        CHECK(names(again) == names(model));
    }
    SUBCASE("adds shortcut and branch") {
        // Branch: a convolution of zeros with bias 3. Shortcut: the upper left pixel of four, then a channel of zeros.
        Model small = build_described(
            with_layers(R"({"type":"residual","branch":[{"type":"conv","filters":3,"kernel":1,"stride":2}],)"
                        R"("shortcut":[{"type":"subsample","stride":2,"filters":3}]},"flatten")"),
            1, "net.json");
        CHECK(small.classes == 12);
        value_of(small.parameters()[0].variable) = Array(Type{{3, 2, 1, 1}});
        value_of(small.parameters()[1].variable) = Array(Shape{3}, std::vector<float>{3, 3, 3});
        std::vector<uint8_t> pixels(32);
        for (size_t i = 0; i < 32; ++i) {
            pixels[i] = static_cast<uint8_t>(i);
        }
        Array   images(Shape{1, 2, 4, 4}, pixels);
        Tensor  images_input = input("images", images.shape(), DType::u8);
        Pass    pass;
        Program program = compile({small(images_input, pass)});
        program.run({{images_input, images}});
        std::span<const float> y          = program.output(0).values<float>();
        const float            expected[] = {0, 2, 8, 10, 16, 18, 24, 26};
        for (size_t i = 0; i < 8; ++i) {
            CHECK(y[i] == doctest::Approx(3 + expected[i] / 255));
        }
        for (size_t i = 8; i < 12; ++i) {
            CHECK(y[i] == 3);
        }
    }
    SUBCASE("may use every layer") {
        std::string all = with_layers(
            R"({"type":"conv","filters":4,"kernel":3,"padding":2,"dilation":2,"groups":2,"bias":false},)"
            R"({"type":"batch_norm","epsilon":0.001},"relu6",{"type":"average_pool","window":3,"stride":1,"padding":1},)"
            R"({"type":"max_pool","window":2},{"type":"residual","branch":["tanh"]},"flatten",)"
            R"({"type":"dropout","rate":0.5},{"type":"linear","outputs":5,"bias":false},"sigmoid",)"
            R"({"type":"linear","name":"out","outputs":3})");
        Model model = build_described(all, 1, "net.json");
        CHECK(model.classes == 3);
        Pass pass{.training = true, .step = constant(Array(Shape{}, std::vector<int32_t>{0}))};
        CHECK(model(input("images", {7, 2, 4, 4}, DType::u8), pass).shape() == Shape{7, 3});
    }
}

TEST_CASE("a description is refused with its place in the text") {
    SUBCASE("when it is no JSON or no object") {
        check_refused("", "is no JSON");
        check_refused(R"({"image":[1,2,2])", "is no JSON");
        check_refused("[1]", "/: is no object");
        check_refused(std::string(70000, ' '), "has 70000 bytes");
    }
    SUBCASE("when a key is unknown, missing, or stands twice") {
        check_refused(R"({"image":[2,4,4],"layer":[]})",
                      "/: key 'layer' is not known; a network takes name, image, mean, std, layers");
        check_refused(R"({"image":[2,4,4]})", "/: key 'layers' is missing");
        check_refused(with_layers(R"("relu",{"type":"conv","filter":3})"),
                      "/layers/1: key 'filter' is not known; conv takes type, name, filters, kernel");
        check_refused(with_layers(R"({"type":"conv","filters":3})"), "/layers/0: key 'kernel' is missing");
        check_refused(with_layers(R"({"type":"conv","filters":3,"filters":4,"kernel":1})"), "\"filters\" stands twice");
        check_refused(with_layers(R"("convolution")"),
                      "/layers/0: is \"convolution\", which is no layer; choose one of conv,");
        check_refused(with_layers(R"({"type":7})"), "/layers/0/type: is 7, which is no layer");
        check_refused(with_layers("null"), "/layers/0: is null, which is no layer");
    }
    SUBCASE("when a value is out of range or of another kind") {
        for (const char* kernel :
             {"0", "-1", "1.5", "65537", "1e300", "18446744073709551615", "\"3\"", "[3,3]", "null"}) {
            CAPTURE(kernel);
            check_refused(with_layers(fmt::format(R"({{"type":"conv","filters":3,"kernel":{}}})", kernel)),
                          "/layers/0/kernel: is ");
        }
        check_refused(with_layers(R"({"type":"conv","filters":3,"kernel":1,"bias":1})"), "/layers/0/bias: is 1");
        check_refused(with_layers(R"({"type":"dropout","rate":1})"), "/layers/0/rate: is 1");
        check_refused(with_layers(R"({"type":"batch_norm","epsilon":0})"), "/layers/0/epsilon: is 0");
        check_refused(R"({"image":[2,4],"layers":["flatten"]})", "/image: has 2 numbers");
        check_refused(R"({"image":[2,4,4],"mean":[1],"layers":["flatten"]})", "/mean: has 1 numbers");
        check_refused(R"({"image":[1,4,4],"std":[0],"layers":["flatten"]})", "/std: holds a number");
        check_refused(R"({"image":[1,4,4],"layers":[]})", "/layers: is no list or an empty one");
        check_refused(with_layers(R"({"type":"linear","name":"a b","outputs":1})"), "/layers/0/name: is \"a b\"");
        check_refused(with_layers(R"({"type":"conv","name":"a","filters":3,"kernel":1},)"
                                  R"({"type":"conv","name":"a","filters":3,"kernel":1})"),
                      "/layers/1: its full name, 'a', is that of another layer");
    }
    SUBCASE("when layers do not fit together, naming the layer") {
        check_refused(with_layers(R"({"type":"linear","outputs":3})"), "/layers/0: is given [1, 2, 4, 4]");
        check_refused(with_layers(R"("flatten",{"type":"conv","filters":3,"kernel":1})"), "/layers/1: 1 groups of 3");
        check_refused(with_layers(R"({"type":"conv","filters":3,"kernel":9})"), "/layers/0: conv2d");
        check_refused(with_layers(R"("flatten",{"type":"max_pool","window":2})"), "/layers/1: max_pool");
        check_refused(with_layers(R"({"type":"residual","branch":[{"type":"conv","filters":3,"kernel":1}]})"),
                      "/layers/0: residual: the branch gives [1, 3, 4, 4], the shortcut [1, 2, 4, 4]");
        check_refused(with_layers(R"({"type":"subsample","stride":1,"filters":1})"), "/layers/0: subsample");
        check_refused(with_layers(R"({"type":"conv","filters":3,"kernel":1})"), "/layers: the last gives [1, 3, 4, 4]");
        check_refused(with_layers(R"("flatten")"), "/layers: none has parameters");
    }
    SUBCASE("when the network would be too large, before memory is taken") {
        auto start = std::chrono::steady_clock::now();
        check_refused(with_layers(R"("flatten",{"type":"linear","outputs":65536},{"type":"linear","outputs":65536})"),
                      "/layers/2: the network has more than 268435456 parameters");
        check_refused(with_layers(R"({"type":"conv","filters":65536,"kernel":65536,"padding":65536})"),
                      "/layers/0: the network has more than");
        check_refused(R"({"image":[1,65536,65536],"layers":["flatten"]})", "/image: an image has more than");
        check_refused(R"({"image":[1,4096,4096],"layers":[{"type":"conv","filters":17,"kernel":1}]})",
                      "/layers/0: gives [1, 17, 4096, 4096]");
        CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
    }
    SUBCASE("when it is nested deeper than the stack allows") {
        std::string deep(30000, '[');
        check_refused(deep, "nested more than 40 deep");
        std::string residuals = R"("relu")";
        for (int i = 0; i < 25; ++i) {
            residuals = R"({"type":"residual","branch":[)" + residuals + "]}";
        }
        check_refused(with_layers(residuals), "nested more than 40 deep");
    }
}

TEST_CASE("a model of 61 million parameters is built without drawing them") {
    auto  start = std::chrono::steady_clock::now();
    Model model = build_model("alexnet", 1);
    auto  built = std::chrono::steady_clock::now();
    CHECK(built - start < std::chrono::milliseconds(20));
    CHECK(value_of(parameter(model, "classifier.1.weight").variable).values<float>()[0] != 0);
}
