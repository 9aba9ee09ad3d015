// The plan of memory, checked by running it: what it calls dead is filled with NaN, and no result may change.

#include "core/ops/add.h"
#include "core/ops/matmul.h"
#include "core/ops/multiply.h"
#include "core/ops/tanh.h"
#include "core/plan/plan.h"
#include "core/run/program.h"
#include "tests/arrays.h"
#include "tests/harness.h"
#include "tests/random_graph.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <functional>

using namespace hemp;

namespace {

/// A short program in which a value outlives several that come after it.
struct LongAndShortLives {
    Tensor x      = variable("x", random_array({.shape = {24, 24}}, 1));
    Tensor kept   = matmul(x, x) * 0.1f;
    Tensor first  = tanh(matmul(kept, x));
    Tensor second = tanh(matmul(first, x));
    Tensor third  = tanh(matmul(second, x));
    Tensor y      = matmul(third, kept) + kept;

    Plan plan() const { return make_plan({y}); }
};

std::vector<Array> output_of(Plan plan, bool poison) {
    CompileOptions options{.threads = 1, .poison = poison};
    Program        program = program_of(std::move(plan), options);
    program.run();
    return {program.output(0)};
}

/// The steps that write a value and read it last; the end of the program for what is read behind it.
struct LifeInSteps {
    size_t first, last;
};

LifeInSteps life_of(const Plan& plan, const Tensor& value) {
    LifeInSteps life{plan.groups.size(), 0};
    auto in = [&](const Tensors& values) { return std::find(values.begin(), values.end(), value) != values.end(); };
    for (size_t step = 0; step < plan.groups.size(); ++step) {
        if (in(plan.groups[step].outputs)) {
            life = {step, step};
        }
        if (in(plan.groups[step].inputs)) {
            life.last = step;
        }
    }
    if (storage_of(plan.roots.outputs[0]) == value) {
        life.last = plan.groups.size();
    }
    return life;
}

/// An operator of its own, whose work is wrong on purpose.
Tensor faulty(const Tensor& x, Work (*work)(const Node&)) {
    static Operator op{.name = "faulty", .infer = [](const Node& node) { return node.inputs[0].type(); }};
    op.work = work;
    return node(op, {x});
}

/// Takes scratch for zero.
void add_scratch(const Buffers& memory, const std::byte* scratch) {
    const auto* sums = reinterpret_cast<const float*>(scratch);
    for (int i = 0; i < 64; ++i) {
        memory.out<float>()[i] = memory.input<float>(0)[i] + sums[i];
    }
}

}  // namespace

TEST_CASE("dead memory full of NaN changes no bit of a random program, with any number of threads") {
    for (uint64_t seed = 0; seed < 60; ++seed) {
        auto results = [&](int threads, bool poison) {
            return results_of_two_runs(random_graph(seed), {.threads = threads, .poison = poison});
        };
        INFO("random graph of seed " << seed);
        std::vector<Array> expected = results(1, false);
        CHECK(same_bits(results(1, true), expected));
        CHECK(same_bits(results(2, true), expected));
    }
}

TEST_CASE("every plan that lets a value or scratch lie where another lives is found by poison") {
    const LongAndShortLives  net;
    const std::vector<Array> expected = output_of(net.plan(), false);
    REQUIRE(same_bits(output_of(net.plan(), true), expected));

    int  broken = 0, found = 0;
    auto consider = [&](const std::function<void(Plan&)>& breaking) {
        Plan plan = net.plan();
        breaking(plan);
        ++broken;
        found += same_bits(output_of(std::move(plan), true), expected) ? 0 : 1;
    };
    const Plan good = net.plan();
    for (const auto& [value, place] : good.memory.offsets) {
        LifeInSteps life = life_of(good, value);
        for (const auto& [other, elsewhere] : good.memory.offsets) {
            // The other is written when this one has still to be read.
            if (life.first < life_of(good, other).first && life_of(good, other).first < life.last) {
                consider([value = value, other = other](Plan& plan) {
                    plan.memory.offsets[value] = plan.memory.offsets[other];
                });
            }
        }
        for (size_t step = life.first; step < life.last; ++step) {
            size_t bytes = good.works[step].scratch_bytes;
            if (bytes > 0 && place + bytes <= good.memory.bytes) {
                consider([value = value, step](Plan& plan) { plan.memory.scratch[step] = plan.memory.offsets[value]; });
            }
        }
    }
    CHECK(broken > 10);
    CHECK(found == broken);
}

TEST_CASE("poison finds what depends on memory that nobody wrote") {
    Tensor x     = variable("x", random_array({.shape = {64}}, 1));
    auto   found = [](const Tensor& y) {
        return !same_bits(output_of(make_plan({y}), true), output_of(make_plan({y}), false));
    };
    SUBCASE("a result of which an element is forgotten: fresh memory is zero, and looks right") {
        CHECK(found(faulty(x, [](const Node&) {
            return Work{.stages = {{1, [](const Buffers& memory, int64_t) {
                                        std::memcpy(memory.out<float>(), memory.input<float>(0), 63 * sizeof(float));
                                    }}}};
        })));
    }
    SUBCASE("scratch that is taken for zero") {
        CHECK(found(faulty(x, [](const Node&) {
            return Work{.stages = {{1, [](const Buffers& memory, int64_t) { add_scratch(memory, memory.scratch); }}},
                        .scratch_bytes = 64 * sizeof(float)};
        })));
    }
    SUBCASE("scratch of a thread that is taken for zero") {
        CHECK(found(faulty(x, [](const Node&) {
            return Work{
                .stages = {{1, [](const Buffers& memory, int64_t) { add_scratch(memory, memory.thread_scratch); }}},
                .thread_scratch_bytes = 64 * sizeof(float)};
        })));
    }
}
