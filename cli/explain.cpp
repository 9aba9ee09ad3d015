#include "cli/command.h"
#include "cli/input.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/step.h"
#include "core/join.h"
#include "core/kernels/dispatch.h"
#include "core/operator.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace hemp {
namespace {

struct ExplainArguments {
    std::string model;
    int64_t     batch = 0;  ///< 0: the usual one
    bool        train = false;
    bool        time  = false;
};

std::string text(const std::string& name, const Attribute& attribute) {
    if (name == "dtype") {
        return std::string(name_of(static_cast<DType>(std::get<int64_t>(attribute))));
    }
    if (auto* list = std::get_if<std::vector<int64_t>>(&attribute)) {
        return fmt::format("[{}]", join(*list));
    }
    if (auto* real = std::get_if<double>(&attribute)) {
        return fmt::format("{}", *real);
    }
    return fmt::format("{}", std::get<int64_t>(attribute));
}

/// One line a node: "%7 = conv2d(%3, conv1.weight) padding=2  f32 [100, 20, 24, 24]".
std::vector<std::string> graph_lines(const Step& step) {
    Tensors roots = step.outputs();
    for (const Update& update : step.updates()) {
        roots.push_back(update.value);
    }
    std::map<Tensor, std::string> names;
    std::vector<std::string>      lines;
    for (const Tensor& tensor : topological_order(roots)) {
        const Node& node = tensor.node();
        if (is_input(tensor) || is_variable(tensor)) {
            names[tensor] = node.name;
            lines.push_back(fmt::format("{} = {}  {}", node.name, is_input(tensor) ? "input" : "variable", node.type));
            continue;
        }
        if (is_constant(tensor) && tensor.dtype() == DType::f32 && tensor.shape().size() == 1) {
            names[tensor] = fmt::format("{}", node.value->values<float>()[0]);
            continue;
        }
        names[tensor] = fmt::format("%{}", lines.size());
        std::vector<std::string> operands;
        for (const Tensor& input : node.inputs) {
            operands.push_back(input ? names.at(input) : "-");
        }
        std::string attributes;
        for (const auto& [name, value] : node.attributes) {
            attributes += fmt::format(" {}={}", name, text(name, value));
        }
        lines.push_back(
            fmt::format("{} = {}({}){}  {}", names[tensor], node.op->name, join(operands), attributes, node.type));
    }
    for (const Update& update : step.updates()) {
        lines.push_back(fmt::format("{} <- {}", update.variable.node().name, names.at(update.value)));
    }
    return lines;
}

/// The median of several profiled runs for each step of the program.
std::vector<double> measure(Step& step) {
    constexpr int                    runs = 11;
    std::vector<std::vector<double>> seconds;
    for (int i = 0; i < runs + 2; ++i) {
        step.profile();
        std::vector<StepReport> reports = step.program().report();
        seconds.resize(reports.size());
        for (size_t k = 0; i >= 2 && k < reports.size(); ++k) {
            seconds[k].push_back(reports[k].seconds);
        }
    }
    std::vector<double> medians;
    for (std::vector<double>& each : seconds) {
        std::ranges::nth_element(each, each.begin() + runs / 2);
        medians.push_back(each[runs / 2]);
    }
    return medians;
}

/// What a process that runs the step will hold at most, in bytes.
struct Memory {
    size_t values, variables, inputs;
    size_t beside;  ///< the program itself, its libraries, graph and plan; in inference the weights

    size_t peak() const { return values + variables + inputs + beside; }
};

/// Asked before the step runs: its arena is not in use yet, and some weights have no values yet.
Memory memory_of(const Step& step) {
    const Program& program = step.program();
    Memory         memory{program.arena_bytes(), program.variable_bytes(), step.input_bytes(), 0};
    // Planning may have held more for a while than running will: weights in two orders.
    size_t peak   = std::max(held_memory() + program.arena_bytes() + program.unmade_bytes(), peak_memory());
    memory.beside = peak - std::min(peak, memory.peak());
    return memory;
}

std::string mib(size_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20)); }

int explain(const ExplainArguments& arguments, const Settings& settings) {
    Model model = named_model(arguments.model, settings.file_memory());
    Step  step(model, {arguments.train, arguments.batch, settings.program_memory()});

    const Program&          program = step.program();
    std::vector<StepReport> reports = program.report();
    Memory                  memory  = memory_of(step);
    std::vector<double>     seconds;
    Roofline                roof;
    if (arguments.time) {
        seconds = measure(step);
        roof    = measure_roofline();
    }
    // The time that the roofline allows: the arithmetic or the traffic, whichever takes longer.
    auto share = [&](const Cost& cost, double measured) {
        return 100 * std::max(cost.flop / roof.flops, cost.bytes / roof.bytes) / measured;
    };
    Cost   total;
    double total_seconds = 0;
    for (size_t i = 0; i < reports.size(); ++i) {
        total.flop += reports[i].cost.flop;
        total.bytes += reports[i].cost.bytes;
        total_seconds += arguments.time ? seconds[i] : 0;
    }

    if (settings.json) {
        Json steps = Json::array();
        for (size_t i = 0; i < reports.size(); ++i) {
            const StepReport& each = reports[i];
            Json              json{{"name", each.name},           {"result", each.result},    {"layout", each.layout},
                      {"algorithm", each.algorithm}, {"instead", each.instead},  {"flop", each.cost.flop},
                      {"bytes", each.cost.bytes},    {"in_place", each.in_place}};
            if (arguments.time) {
                json["seconds"]        = seconds[i];
                json["roofline_share"] = share(each.cost, seconds[i]);
            }
            steps.push_back(json);
        }
        Json json{{"model", model.name},
                  {"mode", arguments.train ? "train" : "infer"},
                  {"batch", step.batch()},
                  {"threads", program.threads()},
                  {"kernel_family", name_of(instruction_set())},
                  {"graph", graph_lines(step)},
                  {"steps", steps},
                  {"flop", total.flop},
                  {"bytes", total.bytes},
                  {"memory",
                   {{"values", memory.values},
                    {"values_without_sharing", program.separate_bytes()},
                    {"variables", memory.variables},
                    {"inputs", memory.inputs},
                    {"beside", memory.beside},
                    {"predicted_peak", memory.peak()}}}};
        if (arguments.time) {
            json["seconds"]  = total_seconds;
            json["roofline"] = {{"flops", roof.flops}, {"bytes_per_second", roof.bytes}};
        }
        print_json(json);
        return 0;
    }

    fmt::print("graph of {}, {}, batch {}\n", model.name, arguments.train ? "a training step" : "inference",
               step.batch());
    for (const std::string& line : graph_lines(step)) {
        fmt::print("  {}\n", line);
    }
    fmt::print("\nplan: {} steps, {} threads, {} kernels\n", reports.size(), program.threads(),
               name_of(instruction_set()));
    Rows rows{{"step", "result", "layout", "Mflop", "MB", "in place", "algorithm", "why not a faster one"}};
    if (arguments.time) {
        rows[0].insert(rows[0].end() - 2, {"us", "Gflop/s", "GB/s", "roofline"});
    }
    for (size_t i = 0; i < reports.size(); ++i) {
        const StepReport& each = reports[i];
        rows.push_back({each.name, each.result, each.layout, fmt::format("{:.3f}", each.cost.flop / 1e6),
                        fmt::format("{:.3f}", each.cost.bytes / 1e6), each.in_place ? "yes" : "", each.algorithm,
                        each.instead});
        if (arguments.time) {
            rows.back().insert(rows.back().end() - 2, {fmt::format("{:.1f}", seconds[i] * 1e6),
                                                       fmt::format("{:.1f}", each.cost.flop / seconds[i] / 1e9),
                                                       fmt::format("{:.1f}", each.cost.bytes / seconds[i] / 1e9),
                                                       fmt::format("{:.0f}%", share(each.cost, seconds[i]))});
        }
    }
    print_table(rows);
    fmt::print("\ntotal: {:.1f} Mflop, {:.1f} MB moved\n", total.flop / 1e6, total.bytes / 1e6);
    fmt::print(
        "predicted peak memory: {} = {} values and scratch + {} variables + {} inputs + {} beside (program, graph, "
        "plan{}); values that share nothing would take {}\n",
        mib(memory.peak()), mib(memory.values), mib(memory.variables), mib(memory.inputs), mib(memory.beside),
        arguments.train ? "" : ", weights", mib(program.separate_bytes()));
    if (arguments.train) {
        fmt::print("hemp train also holds the data set, and a program that evaluates\n");
    }
    if (arguments.time) {
        fmt::print("measured: {:.3f} ms; this machine's roofline: {:.0f} Gflop/s, {:.1f} GB/s\n", total_seconds * 1e3,
                   roof.flops / 1e9, roof.bytes / 1e9);
        fmt::print(
            "(a share above 100%: operands came from a cache, faster than memory; or Winograd's algorithm made a "
            "quarter of the products that the definition has, which are those counted)\n");
    }
    return 0;
}

}  // namespace

Action add_explain(Command& command) {
    auto arguments = std::make_shared<ExplainArguments>();
    command
        .option("MODEL", arguments->model,
                "Name of a model (NAME:N: with N classes), a .json file that describes one, or a trained one")
        .required();
    command.option("--batch", arguments->batch, "Images a step; default: 100, 128 or 16, by the size of the images")
        .between(1, 1 << 20);
    command.option("--train", arguments->train, "A training step instead of inference");
    command.option("--time", arguments->time, "Run it, and measure each step");
    return [arguments](const Settings& settings) { return explain(*arguments, settings); };
}

}  // namespace hemp
