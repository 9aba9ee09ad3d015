#include "cli/command.h"
#include "cli/output.h"
#include "core/file/file.h"
#include "hemp/package.h"

#include <fmt/core.h>

namespace hemp {
namespace {

int list(const std::string& path, const Settings& settings) {
    FileSummary file       = summarize(read_file(path, settings.file_memory()), path, model_spec);
    double      per_weight = 8.0 * static_cast<double>(file.bytes) / static_cast<double>(file.weights);
    if (settings.json) {
        Json json{{"file", path},          {"version", file.version},      {"coder", file.coder},
                  {"model", file.model},   {"bytes", file.bytes},          {"weights", file.weights},
                  {"memory", file.memory}, {"bits_per_weight", per_weight}};
        for (const auto& [name, bytes] : file.parts) {
            json["parts"][name] = bytes;
        }
        json["tensors"] = Json::array();
        for (const TensorSummary& each : file.tensors) {
            json["tensors"].push_back({{"name", each.name},
                                       {"shape", std::vector<int64_t>(each.shape.begin(), each.shape.end())},
                                       {"quantizer", each.quantizer},
                                       {"levels", each.levels},
                                       {"step", each.step},
                                       {"side_bytes", each.side_bytes},
                                       {"code_bytes", each.code_bytes}});
        }
        print_json(json);
        return 0;
    }
    fmt::print(
        "{}: {}, format version {}, {} bytes, {} weights, {:.3f} bits a weight, {:.1f} times smaller than float32\n",
        path, file.model.empty() ? "no model" : build_model(file.model, 1).name, file.version, grouped(file.bytes),
        grouped(file.weights), per_weight, 4.0 * static_cast<double>(file.weights) / static_cast<double>(file.bytes));
    fmt::print("decoding takes {:.1f} MiB\n\n", static_cast<double>(file.memory) / (1 << 20));
    Rows parts{{"part", "bytes"}};
    for (const auto& [name, bytes] : file.parts) {
        parts.push_back({name, grouped(bytes)});
    }
    print_table(parts);
    Rows tensors{{"tensor", "shape", "quantizer", "levels, step", "bytes", "bits a weight"}};
    for (const TensorSummary& each : file.tensors) {
        uint64_t bytes = each.bytes();
        tensors.push_back(
            {each.name, to_string(each.shape), each.quantizer, levels_text(each.levels, static_cast<double>(each.step)),
             grouped(bytes),
             fmt::format("{:.3f}", 8.0 * static_cast<double>(bytes) / static_cast<double>(each.shape.size()))});
    }
    fmt::print("\n");
    print_table(tensors);
    return 0;
}

}  // namespace

Action add_list(Command& command) {
    auto path = std::make_shared<std::string>();
    command.option("FILE", *path, "A .hemp file").required();
    return [path](const Settings& settings) { return list(*path, settings); };
}

}  // namespace hemp
