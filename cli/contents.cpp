#include "cli/contents.h"

#include "hemp/symbol_statistics.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

namespace hemp {
namespace {

constexpr int orders = 4;

bool is_counted(int32_t symbol) { return std::abs(symbol) < most_magnitude; }

}  // namespace

Json contents_of(const HempFile& file, const FileSummary& summary) {
    PlainSizes all;
    Json       tensors = Json::array();
    for (size_t i = 0; i < file.tensors.size(); ++i) {
        const QuantizedTensor& tensor = file.tensors[i];
        const TensorSummary&   each   = summary.tensors[i];
        PlainSizes             sizes  = plain_sizes(tensor);
        auto                   count  = static_cast<double>(tensor.symbols.size());
        uint64_t               bytes  = each.bytes();
        Json                   row{{"name", tensor.name},
                 {"shape", std::vector<int64_t>(tensor.shape.begin(), tensor.shape.end())},
                 {"levels", each.levels},
                 {"step", each.step},
                 {"zeros_percent", 100 * static_cast<double>(sizes.zeros) / count},
                 {"bytes", bytes},
                 {"bits_per_weight", 8 * static_cast<double>(bytes) / count}};
        for (int order = 1; order <= orders; ++order) {
            JointEntropy entropy = joint_entropy(tensor.symbols, order);
            if (order == 1 && each.levels == 0 && std::ranges::all_of(tensor.symbols, is_counted)) {
                row["levels"] = entropy.distinct;
            }
            row["entropy"].push_back(entropy.is_sampled() ? Json(entropy.bits) : Json());
        }
        tensors.push_back(row);
        all.floats += sizes.floats;
        all.pruned += sizes.pruned;
        all.quantized += sizes.quantized;
    }
    return {{"float32", all.floats},
            {"pruned", all.pruned},
            {"quantized", all.quantized},
            {"coded", summary.bytes},
            {"tensors", tensors}};
}

Rows saved_rows(const Json& contents) {
    Rows     stages{{"what saved", "bytes saved", "bytes left", "of float32"}};
    uint64_t all = contents["float32"], before = all;
    for (const auto& [key, what] : {std::pair{"float32", "nothing: float32"},
                                    {"pruned", "pruning: a bit for each zero"},
                                    {"quantized", "quantization: numbers of fixed width"},
                                    {"coded", "coding: the whole file"}}) {
        uint64_t    bytes = contents[key];
        std::string saved = bytes > before ? "-" + grouped(bytes - before) : grouped(before - bytes);
        stages.push_back({what, saved, grouped(bytes),
                          fmt::format("{:.2f} %", 100 * static_cast<double>(bytes) / static_cast<double>(all))});
        before = bytes;
    }
    return stages;
}

Rows tensor_rows(const Json& contents) {
    Rows rows{{"tensor", "shape", "levels", "zeros", "bytes", "bits a weight", "entropy of order 1", "2", "3", "4"}};
    for (const Json& each : contents["tensors"]) {
        std::vector<std::string> row{each["name"],
                                     to_string(Shape(each["shape"].get<std::vector<int64_t>>())),
                                     levels_text(each["levels"], each["step"]),
                                     fmt::format("{:.1f} %", each["zeros_percent"].get<double>()),
                                     grouped(each["bytes"].get<uint64_t>()),
                                     fmt::format("{:.3f}", each["bits_per_weight"].get<double>())};
        for (const Json& entropy : each["entropy"]) {
            row.push_back(entropy.is_null() ? "-" : fmt::format("{:.3f}", entropy.get<double>()));
        }
        rows.push_back(row);
    }
    return rows;
}

void print_contents(const Json& contents) {
    fmt::print("\n");
    print_table(saved_rows(contents));
    fmt::print("\n");
    print_table(tensor_rows(contents));
    fmt::print("\n{}\n", about_entropies);
}

}  // namespace hemp
