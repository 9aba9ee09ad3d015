#include "tests/harness.h"

#include "core/grad.h"
#include "core/ops/expand.h"
#include "core/ops/multiply.h"
#include "core/ops/reduce.h"
#include "core/ops/reshape.h"
#include "core/ops/slice.h"
#include "core/ops/transpose.h"
#include "core/random.h"
#include "core/run/program.h"
#include "tests/arrays.h"
#include "tests/guarded.h"
#include "tests/instruction_sets.h"
#include "tests/interpreter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>

namespace hemp {
namespace {

uint64_t hash(std::string_view text) {  // FNV-1a
    uint64_t value = 0xcbf29ce484222325;
    for (char c : text) {
        value = (value ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    }
    return value;
}

/// Turns the check named by the environment variable HEMP_CASE into the only one that runs.
bool chosen(const std::string& label) {
    const char* only = std::getenv("HEMP_CASE");
    return only == nullptr || label == only;
}

std::string repeat_command(const std::string& label) {
    const auto* test = doctest::getContextOptions()->currentTest;
    std::string name;
    for (const char* c = test != nullptr ? test->m_name : "*"; *c != 0; ++c) {
        name += *c == ',' ? "\\," : std::string(1, *c);  // a comma parts filters
    }
    return fmt::format("HEMP_CASE='{}' build/tests/hemp-tests --test-case='{}'", label, name);
}

double value_at(const Array& array, int64_t i) {
    size_t at = static_cast<size_t>(i);
    switch (array.dtype()) {
        case DType::f32: return static_cast<double>(array.values<float>()[at]);
        case DType::i32: return array.values<int32_t>()[at];
        case DType::u8: return array.values<uint8_t>()[at];
        case DType::i64: break;
    }
    return static_cast<double>(array.values<int64_t>()[at]);
}

double ulps_between(double got, double expected, double floor) {
    return std::abs(got - expected) / (std::max(std::abs(expected), floor) * 0x1p-23);
}

std::string difference(const Array& got, const std::vector<double>& expected, const Tolerance& tolerance) {
    for (int64_t i = 0; i < got.size(); ++i) {
        double wanted = expected[static_cast<size_t>(i)];
        double found  = value_at(got, i);
        if (!close(found, wanted, tolerance)) {
            return fmt::format(
                "element {} of {} is {}, expected {} ({:.3g} ulps of the larger of it and {}; allowed {})", i,
                got.type(), found, wanted, ulps_between(found, wanted, tolerance.floor), tolerance.floor,
                tolerance.ulps);
        }
    }
    return {};
}

/// A graph to check: its inputs with their values, its outputs.
struct GraphCase {
    std::string        label;
    Tensors            inputs;
    std::vector<Array> values;
    Tensors            outputs;

    void fail_with(const std::string& what) const {
        std::string operands;
        for (const Tensor& input : inputs) {
            operands += (operands.empty() ? "" : ", ") + to_string(input.type());
        }
        FAIL_CHECK(label << ": " << what << "; operands " << operands << "; seed " << hash(label)
                         << "; repeat with: " << repeat_command(label));
    }

    Given given() const {
        Given given;
        for (size_t i = 0; i < inputs.size(); ++i) {
            given[inputs[i]] = values_of(values[i]);
        }
        return given;
    }

    std::vector<Array> run(int threads) const {
        Program           program = compile(outputs, {}, {.threads = threads});
        std::vector<Feed> feeds;
        for (size_t i = 0; i < inputs.size(); ++i) {
            feeds.push_back({inputs[i], values[i]});
        }
        program.run(feeds);
        program.run(feeds);  // a second run finds the first one's values in its memory
        std::vector<Array> results;
        for (size_t i = 0; i < outputs.size(); ++i) {
            results.push_back(program.output(i));
        }
        return results;
    }

    void add_input(const Operand& operand) {
        inputs.push_back(input(fmt::format("x{}", inputs.size()), operand.shape, operand.dtype));
        values.push_back(random_array(operand, hash(label) + inputs.size()));
    }
};

std::set<std::string_view> checked_names;

/// Runs the case with each instruction set and number of threads.
void check_against_plain(const GraphCase& c, const Tolerance& tolerance, bool all_ways = true) {
    std::vector<plain::Values>        expected = interpret(c.outputs, c.given());
    std::optional<std::vector<Array>> from_avx2;
    for (const Tensor& tensor : topological_order(c.outputs)) {
        checked_names.insert(tensor.node().op->name);
    }
    InstructionSet usual = instruction_set();
    for_each_instruction_set([&](InstructionSet set) {
        if (!all_ways && set != usual) {
            return;
        }
        std::vector<Array> results = c.run(all_ways ? 1 : 2);
        for (size_t i = 0; i < results.size(); ++i) {
            std::string wrong = difference(results[i], expected[i].at, tolerance);
            if (!wrong.empty()) {
                c.fail_with(fmt::format("output {} with {}: {}", i, name_of(set), wrong));
            }
        }
        for (int threads : {2, 3}) {
            std::vector<Array> again = all_ways ? c.run(threads) : results;
            for (size_t i = 0; i < results.size(); ++i) {
                if (!same_bits(results[i], again[i])) {
                    c.fail_with(fmt::format("output {} with {} has other bits on {} threads than on one", i,
                                            name_of(set), threads));
                }
            }
        }
        for (size_t i = 0; from_avx2 && i < results.size(); ++i) {
            if (!same_bits(results[i], (*from_avx2)[i])) {
                c.fail_with(fmt::format("output {} has other bits with avx512 than with avx2", i));
            }
        }
        if (set == InstructionSet::avx2) {
            from_avx2 = std::move(results);
        }
    });
}

/// Runs one node's work by hand, on memory of its own; in the memory of the operand `in_place` if that is a tensor.
Array run_by_hand(const GraphCase& c, const Tensor& y, const std::map<Tensor, Array>& known, const Tensor& in_place) {
    const Node& node = y.node();
    Group       group{{y}, {}, {y}};
    for (const Tensor& operand : node.inputs) {
        Tensor input = storage_of(operand);
        if (!group.is_chain() || std::find(group.inputs.begin(), group.inputs.end(), input) == group.inputs.end()) {
            group.inputs.push_back(input);
        }
    }
    Work                     work = work_of(group);
    std::vector<Guarded>     operands;
    std::vector<const void*> addresses;
    for (const Tensor& input : group.inputs) {
        const Array& value = known.at(input);
        operands.emplace_back(value.bytes());
        std::memcpy(operands.back().at(), value.memory(), value.bytes());
    }
    Guarded result(node.type.bytes()), scratch(work.scratch_bytes), thread_scratch(work.thread_scratch_bytes);
    void*   output = result.at();
    for (size_t i = 0; i < operands.size(); ++i) {
        addresses.push_back(operands[i].at());
        if (group.inputs[i] == in_place) {
            output = operands[i].at();
        }
    }
    Buffers memory{addresses, {&output, 1}, scratch.at(), thread_scratch.at()};
    for (const Stage& stage : work.stages) {
        for (int64_t piece = stage.pieces; piece-- > 0;) {
            stage.run(memory, piece);
        }
    }
    Array got(node.type);
    std::memcpy(got.memory(), output, got.bytes());
    bool intact = result.intact() && scratch.intact() && thread_scratch.intact();
    for (const Guarded& operand : operands) {
        intact = intact && operand.intact();
    }
    if (!intact) {
        c.fail_with(fmt::format("'{}' run by hand{} with {}: wrote outside its memory", node.op->name,
                                in_place ? " in place" : "", name_of(instruction_set())));
    }
    return got;
}

/// Runs all nodes by hand, one after another; the last one also in place where its operator allows it.
void check_by_hand(const GraphCase& c, const Tolerance& tolerance) {
    const Tensor&       y        = c.outputs[0];
    const Node&         last     = y.node();
    std::vector<double> expected = interpret({y}, c.given())[0].at;
    auto                check    = [&](const Array& got, std::string_view how) {
        std::string wrong = difference(got, expected, tolerance);
        if (!wrong.empty()) {
            c.fail_with(fmt::format("run by hand{} with {}: {}", how, name_of(instruction_set()), wrong));
        }
    };
    for_each_instruction_set([&](InstructionSet) {
        std::map<Tensor, Array> known;
        for (size_t i = 0; i < c.inputs.size(); ++i) {
            known.emplace(c.inputs[i], c.values[i]);
        }
        for (const Tensor& tensor : topological_order({y})) {
            const Node& node = tensor.node();
            if (node.value != nullptr) {
                known.emplace(tensor, *node.value);
            } else if (!known.contains(tensor) && !node.op->alias) {
                known.emplace(tensor, run_by_hand(c, tensor, known, {}));
            }
        }
        check(known.at(storage_of(y)), "");
        for (size_t i : last.op->in_place) {
            Tensor x     = storage_of(last.inputs[i]);
            auto   is_x  = [&](const Tensor& input) { return storage_of(input) == x; };
            bool   alone = std::count_if(last.inputs.begin(), last.inputs.end(), is_x) == 1;
            if (alone && x.type().bytes() == last.type.bytes()) {
                check(run_by_hand(c, y, known, x), " in place");
            }
        }
    });
}

/// A way to make an operand out of another input: the input's operand, and what the graph does with it.
struct Variant {
    std::string                          name;
    std::function<Operand(Operand)>      source;
    std::function<Tensor(Tensor, Shape)> make;
    bool                                 keep = false;  ///< the operand is an output as well
};

Shape with_length(const Shape& shape, int axis, int64_t length) {
    std::vector<int64_t> lengths(shape.begin(), shape.end());
    lengths[static_cast<size_t>(axis < 0 ? axis + shape.rank() : axis)] = length;
    return Shape(lengths);
}

Operand reversed_axes(Operand operand) {
    std::vector<int64_t> lengths(operand.shape.begin(), operand.shape.end());
    std::reverse(lengths.begin(), lengths.end());
    operand.shape = Shape(lengths);
    return operand;
}

Tensor transposed(const Tensor& x) {
    std::vector<int> axes(static_cast<size_t>(x.shape().rank()));
    std::iota(axes.rbegin(), axes.rend(), 0);
    return transpose(x, axes);
}

std::vector<Variant> variants_of(const Operand& operand) {
    auto                 same     = [](Operand o) { return o; };
    std::vector<Variant> variants = {
        {"reshaped",
         [](Operand o) {
             o.shape = {o.shape.size()};
             return o;
         },
         [](Tensor x, Shape shape) { return reshape(x, shape); }},
    };
    if (operand.shape.rank() == 0 || operand.shape.size() == 0) {
        return variants;
    }
    variants.push_back({"sliced in steps of 2",
                        [](Operand o) {
                            o.shape = with_length(o.shape, -1, 2 * o.shape[-1] + 1);
                            return o;
                        },
                        [](Tensor x, Shape shape) { return slice(x, -1, 1, shape[-1], 2); }});
    variants.push_back({"sliced along the first axis",
                        [](Operand o) {
                            o.shape = with_length(o.shape, 0, o.shape[0] + 3);
                            return o;
                        },
                        [](Tensor x, Shape shape) { return slice(x, 0, 2, shape[0]); }});
    variants.push_back({"reversed", same, [](Tensor x, Shape) { return reverse(x, -1); }});
    variants.push_back({"transposed", reversed_axes, [](Tensor x, Shape) { return transposed(x); }});
    variants.push_back({"transposed and kept", reversed_axes, [](Tensor x, Shape) { return transposed(x); }, true});
    if (operand.dtype == DType::f32) {
        variants.push_back({"repeated along the last axis",
                            [](Operand o) {
                                o.shape = with_length(o.shape, -1, 1);
                                return o;
                            },
                            [](Tensor x, Shape shape) { return expand(x, shape); }});
        variants.push_back({"repeated along the first axis",
                            [](Operand o) {
                                o.shape = with_length(o.shape, 0, 1);
                                return o;
                            },
                            [](Tensor x, Shape shape) { return expand(x, shape); }});
    }
    return variants;
}

/// Central differences of the loss in double against the gradient's graph in double, at no more than `most` places.
void check_differences(const GraphCase& c, const Tensor& loss, const Gradients& gradients) {
    Given                      given = c.given();
    Tensors                    wanted;
    std::vector<plain::Values> found;
    for (const Gradient& each : gradients) {
        wanted.push_back(each.gradient);
    }
    found                  = interpret(wanted, given);
    constexpr int64_t most = 24;
    constexpr double  step = 1e-5;
    for (size_t k = 0; k < gradients.size(); ++k) {
        plain::Values& x     = given.at(gradients[k].variable);
        int64_t        size  = x.shape.size();
        int64_t        count = std::min(size, most);
        for (int64_t place = 0; place < count; ++place) {
            int64_t i     = size * place / count;
            double  value = x[i];
            x[i]          = value + step;
            double above  = interpret({loss}, given)[0][0];
            x[i]          = value - step;
            double below  = interpret({loss}, given)[0][0];
            x[i]          = value;
            double slope  = (above - below) / (2 * step);
            if (!(std::abs(slope - found[k][i]) <= 1e-6 * std::max(1.0, std::abs(slope)))) {
                c.fail_with(fmt::format("gradient to operand {}, element {}: {} in double, but differences give {}", k,
                                        i, found[k][i], slope));
                return;
            }
        }
    }
}

void check_gradient(GraphCase c, const Tolerance& tolerance) {
    Tensor  y = c.outputs[0];
    Operand weights{.shape = y.shape(), .low = -1, .high = 1};
    Tensor  loss = sum(y * constant(random_array(weights, hash(c.label) + 1000)));
    Tensors to;
    for (const Tensor& input : c.inputs) {
        if (input.dtype() == DType::f32) {
            to.push_back(input);
        }
    }
    Gradients gradients = grad(loss, to);
    check_differences(c, loss, gradients);
    c.outputs.clear();
    for (const Gradient& each : gradients) {
        c.outputs.push_back(each.gradient);
    }
    check_against_plain(c, tolerance);
}

/// The case whose operand `changed` is made by a variant; all operands as they are without one.
GraphCase make_case(const std::string& label, const Builder& build, const Operands& operands, size_t changed,
                    const Variant* variant) {
    GraphCase c;
    c.label = label;
    Tensors tensors;
    bool    keep = false;
    for (size_t i = 0; i < operands.size(); ++i) {
        bool here = variant != nullptr && i == changed;
        c.add_input(here ? variant->source(operands[i]) : operands[i]);
        tensors.push_back(here ? variant->make(c.inputs[i], operands[i].shape) : c.inputs[i]);
        keep = keep || (here && variant->keep);
    }
    c.outputs = {build(tensors)};
    if (keep) {
        c.outputs.push_back(tensors[changed]);
    }
    return c;
}

std::string label_of(const std::string& name, const Operands& operands) {
    std::string label = name;
    for (const Operand& operand : operands) {
        label = fmt::format("{} {}", label, operand.shape);
    }
    return label;
}

}  // namespace

Array random_array(const Operand& operand, uint64_t seed) {
    Array  array({operand.shape, operand.dtype});
    Random random(seed, 0);
    for (int64_t i = 0; i < array.size(); ++i) {
        size_t at    = static_cast<size_t>(i);
        double share = static_cast<double>(random.uniform(static_cast<uint64_t>(i)));
        double whole = std::floor(operand.low + (operand.high - operand.low + 1) * share);
        switch (operand.dtype) {
            case DType::f32:
                array.values<float>()[at] = static_cast<float>(operand.low + (operand.high - operand.low) * share);
                break;
            case DType::i32: array.values<int32_t>()[at] = static_cast<int32_t>(whole); break;
            case DType::u8: array.values<uint8_t>()[at] = static_cast<uint8_t>(whole); break;
            case DType::i64: array.values<int64_t>()[at] = static_cast<int64_t>(whole); break;
        }
    }
    return array;
}

bool close(double got, double expected, const Tolerance& tolerance) {
    if (std::isnan(got) || std::isnan(expected)) {
        return std::isnan(got) && std::isnan(expected);
    }
    if (std::isinf(got) || std::isinf(expected)) {
        return got == static_cast<double>(static_cast<float>(expected));
    }
    return got == expected || ulps_between(got, expected, tolerance.floor) <= tolerance.ulps;
}

void check_close(const std::string& what, const Array& got, const std::vector<double>& expected,
                 const Tolerance& tolerance) {
    REQUIRE(static_cast<size_t>(got.size()) == expected.size());
    std::string wrong = difference(got, expected, tolerance);
    CHECK_MESSAGE(wrong.empty(), what << ": " << wrong);
}

const std::set<std::string_view>& checked_operators() { return checked_names; }

std::vector<float> computed(const Tensor& y) {
    Program program = compile({y}, {}, {.threads = 1, .verify = true});
    program.run();
    auto values = program.output(0).values<float>();
    return {values.begin(), values.end()};
}

Tensor given(Shape shape, const std::vector<float>& values) { return variable("given", Array(shape, values)); }

void check_operator(const std::string& name, const Builder& build, const Operands& operands,
                    const CheckOptions& options) {
    verify_always(true);
    std::string label = label_of(name, operands);
    if (chosen(label)) {
        GraphCase base = make_case(label, build, operands, 0, nullptr);
        check_against_plain(base, options.result);
        check_by_hand(base, options.result);
    }
    for (size_t i = 0; i < operands.size(); ++i) {
        for (const Variant& variant : variants_of(operands[i])) {
            std::string here = fmt::format("{}, operand {} {}", label, i, variant.name);
            if (chosen(here)) {
                check_against_plain(make_case(here, build, operands, i, &variant), options.result, false);
            }
        }
    }
    if (options.gradient && chosen(label + ", gradient")) {
        check_gradient(make_case(label + ", gradient", build, operands, 0, nullptr), options.slope);
    }
}

void check_lengths(const std::string& name, const Builder& build, const std::function<Operands(int64_t)>& operands,
                   const Tolerance& tolerance) {
    verify_always(true);
    std::vector<int64_t> lengths(40);
    std::iota(lengths.begin(), lengths.end(), 1);
    for (int64_t around : {1024, 4 * 1024, 8 * 1024}) {
        lengths.insert(lengths.end(), {around - 1, around, around + 1});
    }
    for (int64_t length : lengths) {
        std::string label = label_of(name, operands(length));
        if (chosen(label)) {
            GraphCase c = make_case(label, build, operands(length), 0, nullptr);
            check_against_plain(c, tolerance, length > 1000 || length == 37);
            check_by_hand(c, tolerance);
        }
    }
}

}  // namespace hemp
