// The plan of memory, checked by trying every pair of values.

#include "core/ops/add.h"
#include "core/ops/cast.h"
#include "core/ops/matmul.h"
#include "core/ops/maximum.h"
#include "core/ops/multiply.h"
#include "core/ops/negate.h"
#include "core/ops/tanh.h"
#include "core/plan/plan.h"
#include "tests/harness.h"
#include "tests/random_graph.h"

#include <doctest/doctest.h>

using namespace hemp;

namespace {

Plan planned(const Roots& wanted) {
    Plan p;
    p.roots  = simplify(wanted);
    p.groups = schedule(recompute(fuse(p.roots), p.roots), p.roots);
    for (const Group& group : p.groups) {
        p.works.push_back(work_of(group));
    }
    p.memory = plan_memory(p.groups, p.works, p.roots);
    return p;
}

/// A value or a step's scratch: where it lies, and the steps during which nobody else may write there.
struct Held {
    std::string name;
    size_t      offset, bytes, first, last;
};

std::vector<Held> held(const Plan& p) {
    std::vector<Held> all;
    for (size_t step = 0; step < p.groups.size(); ++step) {
        for (const Tensor& value : p.groups[step].outputs) {
            if (p.memory.variables.contains(value)) {
                continue;
            }
            Held here{std::string(value.node().op->name), p.memory.offsets.at(value), value.type().bytes(), step, step};
            for (size_t reader = step; reader < p.groups.size(); ++reader) {
                for (const Tensor& input : p.groups[reader].inputs) {
                    here.last = input == value ? reader : here.last;
                }
            }
            for (const Tensor& root : p.roots.all()) {
                here.last = storage_of(root) == value ? p.groups.size() : here.last;
            }
            all.push_back(here);
        }
        all.push_back({"scratch", p.memory.scratch[step], p.works[step].scratch_bytes, step, step});
    }
    return all;
}

/// Values in one place at one time, but for a result that takes the whole place of an operand in its last step.
std::string overlap(const Plan& p) {
    std::vector<Held> all = held(p);
    for (const Held& a : all) {
        if (a.offset + a.bytes > p.memory.bytes) {
            return a.name + " lies outside the arena";
        }
        for (const Held& b : all) {
            bool together = &a != &b && a.first <= b.last && b.first <= a.last;
            bool meet     = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
            bool in_place = a.offset == b.offset && a.bytes == b.bytes && (a.last == b.first || b.last == a.first);
            if (together && meet && !in_place) {
                return fmt::format("{} (steps {} to {}) and {} (steps {} to {}) share memory", a.name, a.first, a.last,
                                   b.name, b.first, b.last);
            }
        }
    }
    return {};
}

}  // namespace

TEST_CASE("no two values that live at one time share memory") {
    for (uint64_t seed = 0; seed < 100; ++seed) {
        INFO("random graph of seed " << seed);
        CHECK(overlap(planned(random_graph(seed).roots)) == "");
    }
}

TEST_CASE("memory of values that are no longer read is used again") {
    Tensor x = input("x", {64, 64});
    Tensor y = x;
    for (int i = 0; i < 20; ++i) {
        y = matmul(y, x);
    }
    Plan p = planned({{y}, {}});
    CHECK(p.memory.separate_bytes == 20 * 64 * 64 * 4);
    CHECK(p.memory.bytes <= 2 * 64 * 64 * 4 + p.works[0].scratch_bytes + 64);
}

TEST_CASE("an elementwise result takes its operand's memory when nobody reads that later") {
    Tensor x = input("x", {32, 32});
    Tensor a = matmul(x, x);
    Tensor y = tanh(a);
    SUBCASE("nobody does") {
        Plan p = planned({{y}, {}});
        CHECK(p.memory.offsets.at(p.roots.outputs[0]) == p.memory.offsets.at(a));
    }
    SUBCASE("it is an output as well") {
        Plan p = planned({{y, a}, {}});
        CHECK(p.memory.offsets.at(p.roots.outputs[0]) != p.memory.offsets.at(a));
    }
}

TEST_CASE("bytes do not take the memory of a repeated operand of as many bytes") {
    Builder build = [](const Tensors& x) { return cast(cast(maximum(x[0], -x[1]), DType::u8), DType::f32); };
    check_operator("cast of a maximum with a repeated row", build,
                   {{.shape = {4, 3000}, .low = 0, .high = 200}, {.shape = {3000}, .low = -200, .high = 0}},
                   {.result = {.ulps = 0}, .gradient = false});
    Tensor row   = matmul(input("a", {1, 8}), input("b", {8, 1024}));
    Tensor bytes = cast(input("x", {4, 1024}) + row, DType::u8);
    Plan   p     = planned({{bytes}, {}});
    CHECK(p.memory.offsets.at(p.roots.outputs[0]) != p.memory.offsets.at(row));
}

TEST_CASE("a new value goes straight into its variable") {
    Tensor w      = variable("w", Array({.shape = {8, 8}}));
    Tensor v      = variable("v", Array({.shape = {8, 8}}));
    auto   direct = [](const Plan& p) { return p.memory.variables.size(); };
    SUBCASE("when nobody reads the old one later") {
        CHECK(direct(planned({{}, {{w, w * 0.9f}}})) == 1);
        CHECK(direct(planned({{matmul(w, w)}, {{w, w * 0.9f}}})) == 1);
    }
    SUBCASE("but not when the old one is an output") { CHECK(direct(planned({{w}, {{w, w * 0.9f}}})) == 0); }
    SUBCASE("but not when an operator reads the old one while it writes") {
        CHECK(direct(planned({{}, {{w, matmul(w, w)}}})) == 0);
    }
    SUBCASE("but not both of an exchange") { CHECK(direct(planned({{}, {{w, v}, {v, w}}})) == 0); }
}
