// Channels that no weight reads are not computed.

#include "core/ops/add.h"
#include "core/ops/batch_norm.h"
#include "core/ops/concat.h"
#include "core/ops/conv2d.h"
#include "core/ops/matmul.h"
#include "core/ops/multiply.h"
#include "core/ops/pool.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "core/ops/reshape.h"
#include "core/ops/sigmoid.h"
#include "core/ops/slice.h"
#include "core/plan/plan.h"
#include "core/random.h"
#include "core/run/program.h"
#include "models/model.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/interpreter.h"

#include <doctest/doctest.h>

#include <array>
#include <numeric>

using namespace hemp;

namespace {

Tensor weights(const Shape& shape, uint64_t seed) {
    return constant(random_array({shape, DType::f32, 0.1, 0.5}, seed));
}

/// Takes the weights for an input channel away: nothing reads it.
void prune(Array& weight, int64_t channel) {
    const Shape& shape = weight.shape();
    int64_t      taps  = shape.size() / (shape[0] * shape[1]);
    for (int64_t to = 0; to < shape[0]; ++to) {
        std::fill_n(weight.values<float>().begin() + (to * shape[1] + channel) * taps, taps, 0.0f);
    }
}

Tensor pruned(Shape shape, uint64_t seed, const std::vector<int64_t>& channels) {
    Array weight = random_array({shape, DType::f32, 0.1, 0.5}, seed);
    for (int64_t channel : channels) {
        prune(weight, channel);
    }
    return constant(std::move(weight));
}

/// Shapes of what the nodes of that name give after the pass.
std::vector<Shape> shapes_of(const Roots& roots, std::string_view name) {
    std::vector<Shape> shapes;
    for (const Tensor& tensor : topological_order(roots.all())) {
        if (tensor.node().op->name == name) {
            shapes.push_back(tensor.shape());
        }
    }
    return shapes;
}

using Shapes = std::vector<Shape>;

double flop_of(const Program& program) {
    double flop = 0;
    for (const StepReport& each : program.report()) {
        flop += each.cost.flop;
    }
    return flop;
}

/// Two thirds of the input channels of each layer, drawn at random, lose their weights.
void prune_at_random(const Model& model) {
    const Random random(7, 0);
    uint64_t     drawn = 0;
    for (const Parameter& each : model.parameters()) {
        const Shape& shape = each.variable.shape();
        for (int64_t channel = 0; shape.rank() >= 2 && shape[1] > 3 && channel < shape[1]; ++channel) {
            if (random.below(3, drawn++) > 0) {
                prune(value_of(each.variable), channel);
            }
        }
    }
}

void check_same_result(const Tensor& y, const Tensor& x) {
    Array         images   = random_array({.shape = x.shape()}, 5);
    plain::Values expected = interpret({y}, {{x, values_of(images)}})[0];
    for (bool fuse : {true, false}) {
        Program program = compile({y}, {}, {.verify = true, .fuse = fuse});
        program.run({{x, images}});
        check_close("result", program.output(0), expected.at, {.ulps = 400, .floor = 1});
    }
}

/// A network of random layers with sparse constant weights.
class RandomNetwork {
 public:
    Tensor images = input("images", {2, 3, 6, 6});
    Tensor y      = images;

    explicit RandomNetwork(uint64_t seed) : seed_(seed), random_(seed, 0) {
        for (int layer = 0; layer < 8; ++layer) {
            y = next(y);
        }
        int64_t features = y.shape().size() / 2;
        y                = relu(matmul(reshape(y, Shape{2, features}), weight({9, features}), {.transpose_b = true}));
        y                = matmul(y, weight({4, 9}), {.transpose_b = true});
    }

 private:
    Tensor next(const Tensor& x) {
        int64_t c = x.shape()[1];
        switch (below(9)) {
            case 0: return conv(x, std::array{2, 5, 16, 24, 32}[below(5)], 3);
            case 1: return conv(x, 8, 1);
            case 2: return relu(x + weight({c, 1, 1}));
            case 3: return sigmoid(x);
            case 4: return conv2d(x, weight({c, 1, 3, 3}), {.padding = {1, 1}, .groups = c});
            case 5: return x + relu(conv(x, c, 3));
            case 6: return concat({x, conv(x, 4, 1)}, 1);
            case 7: return slice(x, 1, 0, (c + 1) / 2);
            default: return max_pool(x, {.window = {3, 3}, .stride = {1, 1}, .padding = {1, 1}});
        }
    }

    Tensor conv(const Tensor& x, int64_t filters, int64_t kernel) {
        return conv2d(x, weight({filters, x.shape()[1], kernel, kernel}), {.padding = {kernel / 2, kernel / 2}});
    }

    /// Half of the input channels are unread, and single weights are zero too.
    Tensor weight(const Shape& shape) {
        Array value = random_array({.shape = shape, .low = -0.5, .high = 0.5}, seed_ * 1000 + drawn_);
        for (int64_t channel = 0; shape.rank() == 4 && channel < shape[1]; ++channel) {
            if (below(2) == 0) {
                prune(value, channel);
            }
        }
        for (float& each : value.values<float>()) {
            each = below(3) == 0 ? 0 : each;
        }
        return constant(std::move(value));
    }

    size_t below(uint64_t bound) { return random_.below(bound, drawn_++); }

    uint64_t     seed_;
    const Random random_;
    uint64_t     drawn_ = 0;
};

}  // namespace

TEST_CASE("random networks of sparse constants give what the definition gives") {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        RandomNetwork net(seed);
        check_same_result(net.y, net.images);
    }
}

TEST_CASE("what no weight reads is not computed, through shifts, activations, pooling and flattening") {
    Tensor x      = input("x", {2, 3, 12, 12});
    Tensor first  = conv2d(x, weights({6, 3, 3, 3}, 1), {.padding = {1, 1}}) + weights({6, 1, 1}, 2);
    Tensor second = conv2d(max_pool(relu(first)), pruned({5, 6, 3, 3}, 3, {0, 4}), {.padding = {1, 1}});
    Tensor flat   = reshape(average_pool(second), Shape{2, 45});
    Tensor weight = pruned({7, 45}, 4, {18, 19, 20, 21, 22, 23, 24, 25, 26});  // pixels of channel 2
    Tensor hidden = matmul(flat, weight, {.transpose_b = true}) + weights({7}, 5);
    Tensor y      = matmul(relu(hidden), pruned({3, 7}, 6, {6}), {.transpose_b = true});
    Roots  roots  = narrow({{y}, {}});
    CHECK(shapes_of(roots, "conv2d") == Shapes{{2, 4, 12, 12}, {2, 4, 6, 6}});
    CHECK(shapes_of(roots, "reshape") == Shapes{{2, 36}});
    CHECK(shapes_of(roots, "matmul") == Shapes{{2, 6}, {2, 3}});
    check_same_result(y, x);
}

TEST_CASE("filters that only unread channels need go as well") {
    Tensor x     = input("x", {1, 2, 8, 8});
    Tensor first = conv2d(x, weights({4, 2, 1, 1}, 1));
    // Channel 1 is read by filter 2 alone, and nothing reads that.
    Array second              = *weights({3, 4, 1, 1}, 2).node().value;
    second.values<float>()[1] = second.values<float>()[5] = 0;
    Tensor y = conv2d(relu(conv2d(first, constant(second))), pruned({2, 3, 1, 1}, 3, {2}));
    CHECK(shapes_of(narrow({{y}, {}}), "conv2d") == Shapes{{1, 3, 8, 8}, {1, 2, 8, 8}, {1, 2, 8, 8}});
    check_same_result(y, x);
}

TEST_CASE("operands of a sum keep the same channels: those that anybody reads of any of them") {
    Tensor x      = input("x", {1, 2, 6, 6});
    Tensor stream = conv2d(x, weights({5, 2, 3, 3}, 1));
    Tensor inner  = relu(conv2d(stream, pruned({8, 5, 1, 1}, 2, {0, 1, 2})));
    Tensor sum    = stream + conv2d(inner, pruned({5, 8, 1, 1}, 3, {3, 7}));
    Tensor y      = conv2d(sum, pruned({4, 5, 1, 1}, 4, {0, 1}));
    CHECK(shapes_of(narrow({{y}, {}}), "conv2d") == Shapes{{1, 3, 4, 4}, {1, 6, 4, 4}, {1, 3, 4, 4}, {1, 4, 4, 4}});
    check_same_result(y, x);

    SUBCASE("and all of them where the sum itself is a result") {
        CHECK(shapes_of(narrow({{sum}, {}}), "conv2d") == Shapes{{1, 5, 4, 4}, {1, 6, 4, 4}, {1, 5, 4, 4}});
    }
}

TEST_CASE("depthwise convolutions and batch norm have channels one by one") {
    Tensor x        = input("x", {1, 2, 6, 6});
    Tensor expanded = conv2d(x, weights({8, 2, 1, 1}, 1));
    expanded        = batch_norm(expanded, weights({8}, 2), weights({8}, 3), weights({8}, 4), weights({8}, 5));
    Tensor deep     = conv2d(relu6(expanded), weights({8, 1, 3, 3}, 6), {.padding = {1, 1}, .groups = 8});
    Tensor y        = global_average_pool(conv2d(deep, pruned({4, 8, 1, 1}, 7, {2, 5})));
    Roots  roots    = narrow(simplify({{y}, {}}));
    CHECK(shapes_of(roots, "conv2d") == Shapes{{1, 6, 6, 6}, {1, 6, 6, 6}, {1, 4, 6, 6}});
    check_same_result(y, x);
}

TEST_CASE("a single number, computed or constant, goes with all channels") {
    Tensor x     = input("x", {1, 4, 6, 6});
    Tensor first = conv2d(x, weights({4, 4, 1, 1}, 1));
    Tensor whole = sum(first, {.keep = true});
    Tensor y     = conv2d(first * whole + constant(2.0f), pruned({2, 4, 1, 1}, 2, {3}));
    CHECK(shapes_of(narrow({{y}, {}}), "conv2d") == Shapes{{1, 4, 6, 6}, {1, 2, 6, 6}});
    y = conv2d(first * max(x, {.keep = true}) + constant(2.0f), pruned({2, 4, 1, 1}, 2, {3}));
    CHECK(shapes_of(narrow({{y}, {}}), "conv2d") == Shapes{{1, 3, 6, 6}, {1, 2, 6, 6}});
    check_same_result(y, x);
}

TEST_CASE("images that are constants keep their channels") {
    Tensor x     = input("x", {1, 4, 6, 6});
    Tensor fixed = constant(random_array({.shape = {4, 4, 6, 6}}, 1));
    Tensor y     = conv2d(max_pool(fixed, {.window = {1, 1}}) + x, pruned({2, 4, 1, 1}, 2, {3}));
    CHECK(shapes_of(narrow({{y}, {}}), "max_pool") == Shapes{{4, 4, 6, 6}});
    check_same_result(y, x);
}

TEST_CASE("a network whose weights are all zero keeps a channel of each layer") {
    Tensor x = input("x", {2, 3, 6, 6});
    Tensor y = conv2d(relu(conv2d(x, constant(Array(Type{{4, 3, 3, 3}})))), constant(Array(Type{{2, 4, 3, 3}})));
    CHECK(shapes_of(narrow({{y}, {}}), "conv2d") == Shapes{{2, 1, 4, 4}, {2, 2, 2, 2}});
    check_same_result(y, x);
}

TEST_CASE("networks with channels pruned at random give what they gave, for less") {
    for (const char* name : {"lenet300", "lenet5", "resnet20", "mobilenetv2-cifar"}) {
        CAPTURE(name);
        Model  model  = build_model(name, 1);
        Tensor images = input("images", {2, model.image[0], model.image[1], model.image[2]}, DType::u8);
        Pass   pass;
        Tensor logits = model(images, pass);
        double whole  = flop_of(compile({logits}, {}, {.frozen = true}));
        prune_at_random(model);
        Array   pixels = random_array({images.shape(), DType::u8, 0, 255}, 3);
        Program fewer = compile({logits}, {}, {.frozen = true, .verify = true}), all = compile({logits});
        fewer.run({{images, pixels}});
        all.run({{images, pixels}});
        CHECK(flop_of(fewer) < 0.8 * whole);
        check_close("logits", fewer.output(0), values_of(all.output(0)).at, {.ulps = 1000, .floor = 1});
    }
}

TEST_CASE("on blocks of channels whole blocks stay") {
    Tensor x     = input("x", {1, 32, 12, 12});
    Tensor first = conv2d(x, weights({64, 32, 3, 3}, 1), {.padding = {1, 1}});
    auto   left  = [&](int64_t unread) {
        std::vector<int64_t> channels(static_cast<size_t>(unread));
        std::iota(channels.begin(), channels.end(), 5);
        Tensor y = conv2d(relu(first), pruned({32, 64, 3, 3}, 2, channels), {.padding = {1, 1}});
        check_same_result(y, x);
        return shapes_of(narrow({{y}, {}}), "conv2d")[0][1];
    };
    CHECK(left(1) == 64);
    CHECK(left(15) == 64);
    CHECK(left(16) == 48);
    CHECK(left(40) == 32);
}

TEST_CASE("channels stay where weights may change, groups mix them, or their number counts") {
    Tensor x     = input("x", {1, 4, 6, 6});
    Tensor first = conv2d(x, weights({4, 4, 1, 1}, 1));
    auto   stays = [&](const Tensor& y) { return shapes_of(narrow({{y}, {}}), "conv2d")[0] == first.shape(); };
    Array  zeros(Type{{4, 4, 1, 1}});
    CHECK(stays(conv2d(first, variable("weight", zeros))));
    CHECK(stays(conv2d(first, constant(Array(Type{{4, 2, 1, 1}})), {.groups = 2})));
    CHECK(stays(conv2d(reshape(first, Shape{1, 2, 12, 6}), constant(Array(Type{{4, 2, 1, 1}})))));
    CHECK(stays(matmul(global_average_pool(first), constant(Array(Type{{4, 3}})))));
    CHECK_FALSE(stays(conv2d(first, constant(zeros))));
}
