#include "hemp/regularizer.h"

#include "core/ops/add.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/matmul.h"
#include "core/ops/relu.h"
#include "core/run/program.h"
#include "hemp/quantizer.h"
#include "hemp/weight_coder.h"
#include "optim/sgd.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/interpreter.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace hemp;
using doctest::Approx;

namespace {

// ---- Whole training steps: the compiled programs against the same graphs, in double by the plain operators ----

Tensor weights(const std::string& name, Shape shape, uint64_t seed) {
    return variable(name, random_array({.shape = shape, .low = -0.5, .high = 0.5}, seed));
}

/// Two linear layers, and what a training step is made of.
struct Net {
    Tensor  x           = input("x", {16, 6});
    Tensor  labels      = input("labels", {16}, DType::i32);
    Tensor  rate        = input("rate", {});
    Tensor  coefficient = input("coefficient", {});
    Tensor  hidden      = weights("hidden", {6, 20}, 1);
    Tensor  bias        = weights("bias", {20}, 2);
    Tensor  last        = weights("last", {20, 5}, 3);
    Tensor  loss        = cross_entropy(matmul(relu(matmul(x, hidden) + bias), last), labels);
    Tensors trained     = {hidden, bias, last};
};

/// Rounding of a share counts up to 1024 times in the logarithm of a tuple that hardly anybody uses, and so in slopes;
/// the coefficient and the momentum of later steps multiply that. Seen: less than 64 ulps.
constexpr Tolerance near{.ulps = 256, .floor = 1};

/// A program and its graph, run side by side.
class Both {
 public:
    Both(const Tensors& outputs, const Updates& updates)
        : roots_{outputs, updates}, program_(compile(outputs, updates, {.threads = 2, .verify = true})) {}

    /// `state` are the variables' values in double; those that it lacks have their own.
    void run(const std::map<Tensor, Array>& inputs, Given& state) {
        std::vector<Feed> feeds;
        Given             given;
        for (const Tensor& tensor : topological_order(roots_.all())) {
            if (is_variable(tensor)) {
                state.emplace(tensor, values_of(value_of(tensor)));
            } else if (is_input(tensor)) {
                feeds.push_back({tensor, inputs.at(tensor)});
                given[tensor] = values_of(inputs.at(tensor));
            }
        }
        std::vector<plain::Values> expected = interpret_run(roots_, given, state);
        program_.run(feeds);
        for (size_t i = 0; i < roots_.outputs.size(); ++i) {
            check_close(fmt::format("output {}", i), program_.output(i), expected[i].at, near);
        }
        for (const Update& update : roots_.updates) {
            check_close(update.variable.node().name, value_of(update.variable), state.at(update.variable).at, near);
        }
    }

 private:
    Roots   roots_;
    Program program_;
};

/// Runs some steps, the cached gradients of the entropy refreshed before every other.
void train(const Net& net, const Regularizer& hemp, const Tensors& outputs, const Updates& updates) {
    Both  refresh({hemp.bits()}, hemp.refresh());
    Both  step(outputs, updates);
    Given state;
    for (uint64_t i = 0; i < 4; ++i) {
        CAPTURE(i);
        if (i % 2 == 0) {
            refresh.run({}, state);
        }
        step.run({{net.x, random_array({.shape = {16, 6}}, 10 + i)},
                  {net.labels, random_array({.shape = {16}, .dtype = DType::i32, .low = 0, .high = 4}, 20 + i)},
                  {net.rate, Array(0.01f)},
                  {net.coefficient, Array(2.0f)}},
                 state);
    }
}

/// Calls f with nets and regularizers of several kinds.
template <class F>
void for_each_kind(F&& f) {
    const EntropyOptions entropies[] = {
        {.order = 1},
        {.order = 2, .scan = {0, 1}},
        {.order = 3, .conditional = true, .pooling = Pooling::shared},
    };
    // Levels beyond the weights, and levels among them, beyond which a part of the weights lies.
    for (LevelRule rule : {LevelRule::mid_tread, LevelRule::lloyd_max}) {
        for (const EntropyOptions& entropy : entropies) {
            CAPTURE(static_cast<int>(rule));
            CAPTURE(entropy.order);
            Net         net;
            Regularizer hemp({net.hidden, net.bias, net.last},
                             {.levels = 7, .rule = rule, .deviations = 0.7, .entropy = entropy});
            REQUIRE(hemp.weights() == Tensors{net.hidden, net.last});  // the bias is too small
            f(net, hemp);
        }
    }
}

}  // namespace

TEST_CASE("training on quantized weights with the penalty agrees with the plain operators in double") {
    for_each_kind([](const Net& net, const Regularizer& hemp) {
        Tensor  loss    = hemp.quantized(net.loss);
        Tensors trained = net.trained;  // and the steps of the levels
        trained.insert(trained.end(), hemp.steps().begin(), hemp.steps().end());
        Gradients gradients = hemp.penalized(grad(loss, trained), net.coefficient);
        train(net, hemp, {loss, hemp.bits()}, sgd(gradients, {.rate = net.rate, .momentum = 0.9f}));
    });
}

TEST_CASE("training pulled to the levels, as the paper has it, agrees with the plain operators in double") {
    for_each_kind([](const Net& net, const Regularizer& hemp) {
        Gradients gradients = grad(net.loss, net.trained);
        Updates   updates   = sgd(gradients, {.rate = net.rate});
        train(net, hemp, {net.loss, hemp.bits()},
              hemp.pulled(updates, gradients, {.entropy = net.coefficient, .level = constant(0.1f)}));
    });
}

TEST_CASE("the penalty is the coefficient times the gradient of the bits as last refreshed") {
    Net         net;
    Regularizer hemp({net.hidden, net.bias, net.last}, {.levels = 7, .entropy = {.order = 2}});
    Gradients   none = grad(constant(0.0f), net.trained);
    compile({}, hemp.refresh()).run();

    std::vector<plain::Values> slopes;
    for (const Gradient& each : grad(hemp.bits(), net.trained)) {
        slopes.push_back(interpret({each.gradient}, {})[0]);
    }
    value_of(net.hidden).values<float>()[0] += 0.1f;  // no refresh after it
    Gradients penalized = hemp.penalized(none, constant(3.0f));
    for (size_t i = 0; i < penalized.size(); ++i) {
        for (double& slope : slopes[i].at) {
            slope *= 3;
        }
        Program program = compile({penalized[i].gradient});
        program.run();
        check_close(net.trained[i].node().name, program.output(0), slopes[i].at, {.ulps = 64, .floor = 0.1});
    }
}

TEST_CASE("one level is exactly zero where it must be, by any rule") {
    for (LevelRule rule : {LevelRule::mid_tread, LevelRule::mid_rise, LevelRule::lloyd_max,
                           LevelRule::lloyd_max_gaussian, LevelRule::ternary, LevelRule::power_of_two}) {
        CAPTURE(static_cast<int>(rule));
        Tensor             w = weights("w", {30, 10}, 4);
        Regularizer        regularizer({w}, {.levels = 4, .rule = rule, .zero = true});
        std::vector<float> levels = regularizer.level_values(0);
        CHECK(std::ranges::count(levels, 0.0f) == 1);
        CHECK(std::ranges::is_sorted(levels, std::less_equal()));  // strictly
    }
}

TEST_CASE("the hard entropy is that of the nearest levels, in bits a tuple") {
    // 40 weights, levels -1, 0, 1: each pair is (0, 0) or (0, 1), all a little off their levels.
    std::vector<float> values;
    for (int i = 0; i < 10; ++i) {
        values.insert(values.end(), {0.1f, -0.2f, 0.05f, 0.9f});
    }
    Tensor      w = variable("w", Array(Shape{40}, values));
    Regularizer regularizer({w}, {.levels = 3, .rule = LevelRule::mid_tread, .deviations = 0, .entropy = {.order = 2}});
    REQUIRE(regularizer.level_values(0)[2] == Approx(0.6));

    Tensor  hard    = regularizer.hard_entropy();
    Program program = compile({hard, distinct_tuples(hard), regularizer.bits()}, {}, {.verify = true});
    program.run();
    CHECK(program.scalar(0) == Approx(1));
    CHECK(regularizer.per_weight() == 0.5f);
    CHECK(tuple_count(hard) == 20);
    CHECK(program.output(1).values<int64_t>()[0] == 2);
    // The soft one sees how far the weights are from their levels.
    CHECK(program.scalar(2) > 0.6f);
}

TEST_CASE("for the coder, the penalty draws each weight to zero by the price of its next level") {
    // 7 levels, all steps 1 but for rounding: from -3 to 3.
    Tensor             w      = weights("w", {30, 10}, 4);
    std::span<float>   values = value_of(w).values<float>();
    Regularizer        regularizer({w}, {.target = Target::coder, .levels = 7, .deviations = 1});
    std::vector<float> levels = regularizer.level_values(0);
    float              step   = levels[4];
    values[0]                 = 0.3f * step;   // symbol 0
    values[1]                 = -0.7f * step;  // symbol -1
    values[2]                 = 1.2f * step;   // symbol 1, towards 2
    values[3]                 = 4.0f * step;   // beyond the levels
    values[4]                 = 0;

    std::vector<int32_t> symbol, lower;
    for (size_t i = 0; uint8_t index : symbols(values, levels)) {
        symbol.push_back(index - 3);
        lower.push_back(values[i] < levels[index] || index == 6 ? index - 4 : index - 3);
        ++i;
    }
    std::vector<float> rises(symbol.size());
    double             bits = WeightPrices().add(w.shape(), symbol, lower, rises);
    CHECK(regularizer.price() == Approx(bits / 300));

    Gradients none    = grad(constant(0.0f), {w});
    Program   program = compile({regularizer.penalized(none, constant(2.0f))[0].gradient});
    program.run();
    std::span<const float> penalty = program.output(0).values<float>();
    float                  unit    = 2 / (300 * step);
    CHECK(penalty[0] == Approx(unit * rises[0]));
    CHECK(penalty[1] == Approx(unit * rises[1]));
    CHECK(penalty[2] == Approx(unit * rises[2]));
    CHECK(penalty[3] == 0);
    CHECK(penalty[4] == 0);
    CHECK(penalty[0] > 0);
    CHECK(penalty[1] < 0);

    values[0] = -0.1f * step;  // across zero since: what drew it down now draws it up
    program.run();
    CHECK(program.output(0).values<float>()[0] == Approx(-unit * rises[0]));
}

TEST_CASE("for the coder, prices are those of the order in which the file holds rows and columns") {
    Array values = random_array({.shape = {12, 10}, .low = -1, .high = 1}, 3);
    for (int64_t row = 0; row < 12; row += 2) {  // every second row is almost empty
        std::fill_n(values.values<float>().begin() + row * 10, 9, 0.0f);
    }
    Standing standing{.rows = {0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11}, .columns = {4, 3, 2, 1, 0}};
    Array    moved = values;
    rearrange(moved.values<float>(), {12, 10}, standing);

    auto regularizer_of = [](const Tensor& w) {
        return Regularizer({w}, {.target = Target::coder, .levels = 7, .deviations = 1});
    };
    Tensor      here = variable("w", values), there = variable("w", moved);
    Regularizer as_it_is = regularizer_of(here), as_it_stands = regularizer_of(there);
    double      bits = as_it_stands.price();
    CHECK(as_it_is.price({standing}) == bits);
    CHECK(as_it_is.price() > bits);
    as_it_is.price({standing});
    Array slopes = value_of(as_it_is.slopes()[0]);
    rearrange(slopes.values<float>(), {12, 10}, standing);
    CHECK(same_bits(slopes, value_of(as_it_stands.slopes()[0])));
    rearrange(slopes.values<float>(), {12, 10}, reverse(standing));
    CHECK(same_bits(slopes, value_of(as_it_is.slopes()[0])));
}

TEST_CASE("for the coder, small tensors take part as well") {
    Tensor      w = weights("w", {30, 10}, 4), bias = weights("bias", {10}, 5), few = weights("few", {6}, 6);
    Regularizer regularizer({w, bias, few}, {.target = Target::coder, .levels = 7});
    CHECK(regularizer.weights() == Tensors{w, bias});
}
