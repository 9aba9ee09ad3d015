#include "core/run/program.h"

#include "core/grad.h"
#include "core/ops/add.h"
#include "core/ops/conv2d.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/exp.h"
#include "core/ops/matmul.h"
#include "core/ops/multiply.h"
#include "core/ops/pool.h"
#include "core/ops/reduce.h"
#include "core/ops/relu.h"
#include "core/ops/reshape.h"
#include "core/ops/subtract.h"
#include "core/ops/transpose.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/interpreter.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace hemp;

namespace {

std::vector<float> state(const Tensor& variable) {
    auto values = value_of(variable).values<float>();
    return {values.begin(), values.end()};
}

void run(const Tensors& outputs, const Updates& updates) {
    compile(outputs, updates, {.threads = 2, .verify = true}).run();
}

/// One training step of a small LeNet-5 with momentum.
struct Training {
    Tensor  images = input("images", {6, 1, 16, 16});
    Tensor  labels = input("labels", {6}, DType::i32);
    Tensors weights, momenta;
    Roots   roots;

    Tensor weight(Shape shape) {
        uint64_t seed  = weights.size();
        double   range = std::sqrt(3.0 / static_cast<double>(shape.size() / shape[0]));
        weights.push_back(
            variable(fmt::format("weight {}", seed), random_array({shape, DType::f32, -range, range}, seed)));
        momenta.push_back(variable(fmt::format("momentum {}", seed), Array({.shape = shape})));
        return weights.back();
    }

    Training() {
        Tensor x            = max_pool(relu(conv2d(images, weight({4, 1, 5, 5})) + weight({4, 1, 1})));
        x                   = max_pool(relu(conv2d(x, weight({8, 4, 3, 3})) + weight({8, 1, 1})));
        x                   = reshape(x, std::vector<int64_t>{6, -1});
        x                   = relu(matmul(x, weight({20, x.shape()[1]}), {.transpose_b = true}) + weight({20}));
        x                   = matmul(x, weight({10, 20}), {.transpose_b = true}) + weight({10});
        Tensor loss         = cross_entropy(x, labels);
        roots.outputs       = {loss, x};
        Gradients gradients = grad(loss, weights);
        for (size_t i = 0; i < weights.size(); ++i) {
            roots.outputs.push_back(gradients[i].gradient);
            Tensor momentum = momenta[i] * 0.9f + gradients[i].gradient;
            roots.updates.push_back({momenta[i], momentum});
            roots.updates.push_back({weights[i], weights[i] - momentum * 0.05f});
        }
    }
};

const Operand some_images{.shape = {6, 1, 16, 16}, .low = 0, .high = 1};
const Operand some_labels{.shape = {6}, .dtype = DType::i32, .low = 0, .high = 9};

/// All outputs and variables after three steps.
std::vector<Array> trained(int threads) {
    Training           training;
    Program            program = compile(training.roots.outputs, training.roots.updates, {.threads = threads});
    Array              images  = random_array(some_images, 50);
    Array              labels  = random_array(some_labels, 51);
    std::vector<Array> results;
    for (int step = 0; step < 3; ++step) {
        program.run({{training.images, images}, {training.labels, labels}});
        for (size_t i = 0; i < training.roots.outputs.size(); ++i) {
            results.push_back(program.output(i));
        }
    }
    for (const Update& update : training.roots.updates) {
        results.push_back(value_of(update.variable));
    }
    return results;
}

}  // namespace

TEST_CASE("three training steps of a small LeNet-5 agree with the interpreter in loss and gradients and weights") {
    verify_always(true);
    Training           training;
    std::vector<Array> got = trained(2);
    Given              inputs{{training.images, values_of(random_array(some_images, 50))},
                 {training.labels, values_of(random_array(some_labels, 51))}};
    Given              after;
    size_t             at = 0;
    for (int step = 0; step < 3; ++step) {
        for (const plain::Values& expected : interpret_run(training.roots, inputs, after)) {
            check_close(fmt::format("step {}, output {}", step, at), got[at], expected.at, {.ulps = 200, .floor = 1});
            ++at;
        }
    }
    for (const Update& update : training.roots.updates) {
        check_close(update.variable.node().name, got[at++], after.at(update.variable).at, {.ulps = 200, .floor = 1});
    }
}

TEST_CASE("a training step gives the same bits on any number of threads") {
    std::vector<Array> one = trained(1);
    for (int threads : {2, 3, 4}) {
        std::vector<Array> more = trained(threads);
        for (size_t i = 0; i < one.size(); ++i) {
            INFO(threads << " threads, result " << i);
            CHECK(same_bits(one[i], more[i]));
        }
    }
}

TEST_CASE("updates") {
    Tensor a = variable("a", Array(Shape{2}, std::vector<float>{1, 2}));
    Tensor b = variable("b", Array(Shape{2}, std::vector<float>{3, 4}));
    SUBCASE("read the values from before the run: two variables change places") {
        run({}, {{a, b}, {b, a}});
        CHECK(state(a) == std::vector<float>{3, 4});
        CHECK(state(b) == std::vector<float>{1, 2});
    }
    SUBCASE("that depend on each other") {
        run({}, {{a, a + b}, {b, a * b}});
        CHECK(state(a) == std::vector<float>{4, 6});
        CHECK(state(b) == std::vector<float>{3, 8});
    }
    SUBCASE("by way of a view") {
        Tensor w = variable("w", Array(Shape{2, 2}, std::vector<float>{1, 2, 3, 4}));
        run({}, {{w, reshape(reshape(w, Shape{4}) * 2.0f, Shape{2, 2})}});
        CHECK(state(w) == std::vector<float>{2, 4, 6, 8});
    }
    SUBCASE("by an operator that reads its operand out of order") {
        Tensor w = variable("w", Array(Shape{2, 2}, std::vector<float>{1, 2, 3, 4}));
        run({}, {{w, transpose(w)}});
        CHECK(state(w) == std::vector<float>{1, 3, 2, 4});
    }
    SUBCASE("whose new value is an output and read beside the old one") {
        Tensor  next    = a * 10.0f;
        Program program = compile({next + a, next, a}, {{a, next}}, {.threads = 1, .verify = true});
        program.run();
        CHECK(program.output(0).values<float>()[1] == 22);
        CHECK(program.output(1).values<float>()[1] == 20);
        CHECK(program.output(2).values<float>()[1] == 2);
        CHECK(state(a) == std::vector<float>{10, 20});
    }
    SUBCASE("whose new value is read beside the old one in the same chain") {
        Tensor  next    = a * 10.0f;
        Program program = compile({exp(next - a) * 0.0f + next + a}, {{a, next}}, {.threads = 1, .verify = true});
        program.run();
        CHECK(program.output(0).values<float>()[1] == 22);
        CHECK(state(a) == std::vector<float>{10, 20});
    }
    SUBCASE("of two variables to one value") {
        Tensor sum = a + b;
        run({}, {{a, sum}, {b, sum}});
        CHECK(state(a) == std::vector<float>{4, 6});
        CHECK(state(b) == std::vector<float>{4, 6});
    }
    SUBCASE("are refused for what is no variable, twice, or of another type") {
        Tensor x = input("x", {2});
        CHECK_THROWS_WITH_AS(run({}, {{x, a}}), "compile: an update names 'input', which is no variable", Error);
        CHECK_THROWS_WITH_AS(run({}, {{a, b}, {a, a}}),
                             "compile: variable 'a' has two updates; a program can give it one final value", Error);
        CHECK_THROWS_WITH_AS(run({}, {{a, sum(b)}}), "compile: variable 'a' is f32 [2], its new value f32 []", Error);
    }
}

TEST_CASE("a profiled run computes what a run computes") {
    Tensor  a       = variable("a", Array(Shape{2}, std::vector<float>{1, 2}));
    Tensor  b       = variable("b", Array(Shape{2}, std::vector<float>{3, 4}));
    Program program = compile({a + b}, {{a, b}, {b, a}}, {.threads = 2, .verify = true});
    program.profile();
    CHECK(program.output(0).values<float>()[0] == 4);
    CHECK(state(a) == std::vector<float>{3, 4});
    CHECK(state(b) == std::vector<float>{1, 2});
}

TEST_CASE("feeds") {
    Tensor  x       = input("x", {2});
    Program program = compile({x * 2.0f}, {}, {.threads = 1});
    Array   two(Shape{2}, std::vector<float>{1, 2}), three(Shape{3}, std::vector<float>{1, 2, 3});
    SUBCASE("give inputs their values") {
        program.run({{x, two}});
        CHECK(program.output(0).values<float>()[1] == 4);
    }
    SUBCASE("missing, of another type or for what is no input are refused") {
        CHECK_THROWS_WITH_AS(program.run(), "run: no value is given for input 'x' f32 [2]", ShapeError);
        CHECK_THROWS_WITH_AS(program.run({{x, three}}), "run: input 'x' is f32 [2], but the value given is f32 [3]",
                             ShapeError);
        CHECK_THROWS_WITH_AS(program.run({{constant(1.0f), two}}),
                             "run: a value is given for 'constant', which is no input", ShapeError);
    }
}

TEST_CASE("outputs may be of any kind and the same twice") {
    Tensor  x = input("x", {2});
    Tensor  w = variable("w", Array(Shape{2}, std::vector<float>{5, 6}));
    Tensor  y = x + w;
    Array   value(Shape{2}, std::vector<float>{1, 2});
    Program program =
        compile({x, w, constant(3.0f), reshape(y, Shape{1, 2}), y, y}, {}, {.threads = 1, .verify = true});
    program.run({{x, value}});
    CHECK(program.output(0).values<float>()[1] == 2);
    CHECK(program.output(1).values<float>()[1] == 6);
    CHECK(program.scalar(2) == 3);
    CHECK(program.output(3).shape() == Shape{1, 2});
    for (size_t i : {3u, 4u, 5u}) {
        CHECK(program.output(i).values<float>()[1] == 8);
    }
    CHECK_THROWS_WITH_AS(program.scalar(0), "scalar: output 0 is f32 [2], no single number", ShapeError);
}

TEST_CASE("a program that would take more memory than allowed is refused before it takes any") {
    Tensor x = input("x", {1 << 20});
    CHECK_THROWS_AS(compile({exp(x)}, {}, {.threads = 1, .max_memory = 1 << 20}), Error);
}

TEST_CASE("a chain of 100 000 operators is built and differentiated and run and released") {
    Tensor x = given({3}, {0, 1, 2});
    Tensor y = x;
    for (int i = 0; i < 100000; ++i) {
        y = y + 1.0f;
    }
    SUBCASE("forwards") { CHECK(computed(y) == std::vector<float>{100000, 100001, 100002}); }
    SUBCASE("backwards") { CHECK(computed(grad(sum(y), {x})[0].gradient) == std::vector<float>{1, 1, 1}); }
}

TEST_CASE("tensors without elements go through a whole training step") {
    Tensor    x    = input("x", {0, 4});
    Tensor    w    = variable("w", Array(Shape{3, 4}, std::vector<float>(12, 1.0f)));
    Tensor    y    = relu(matmul(x, w, {.transpose_b = true}));
    Gradients g    = grad(sum(y * y), {w});
    Program   step = compile({sum(y), y}, {{w, w - g[0].gradient}}, {.threads = 2, .verify = true});
    Array     none({.shape = {0, 4}});
    step.run({{x, none}});
    CHECK(step.scalar(0) == 0);
    CHECK(step.output(1).size() == 0);
    CHECK(state(w) == std::vector<float>(12, 1.0f));
}
