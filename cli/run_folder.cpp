#include "cli/run_folder.h"

#include "core/error.h"
#include "core/file/file.h"
#include "core/file/hash.h"

#include <cmath>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;

namespace hemp {
namespace {

constexpr size_t most_metrics = size_t{256} << 20;  // bytes: a million epochs

/// A line of metrics.jsonl, with what is read of it.
bool is_entry(const Json& json) {
    if (!json.is_object() || !json.contains("epoch") || !json["epoch"].is_number_integer() ||
        !json.contains("seconds") || !json["seconds"].is_number()) {
        return false;
    }
    constexpr double most = 1e15;
    for (const char* key : {"epoch", "seconds", "bytes"}) {
        double value = json.contains(key) && json[key].is_number() ? json[key].get<double>() : 0;
        if (!(value >= 0 && value < most)) {
            return false;
        }
    }
    return true;
}

}  // namespace

Manifest read_manifest(const fs::path& path) {
    Manifest result;
    result.json = read_json(path);
    try {
        result.command       = result.json.at("command");
        result.options       = run_options(result.json.at("arguments"));
        result.version       = result.json.at("version");
        result.kernel_family = result.json.at("kernel_family");
        result.outputs       = result.json.at("outputs").get<std::map<std::string, std::string>>();
    } catch (const Json::exception&) {
        fail<DataError>(
            "{}: is no manifest of a run, an entry is missing or of another kind; name a manifest.json as hemp writes "
            "it",
            path.string());
    }
    return result;
}

std::vector<Json> read_metrics(const fs::path& folder) {
    std::vector<Json> entries;
    fs::path          path = folder / "metrics.jsonl";
    if (!fs::exists(path)) {
        return entries;
    }
    Bytes              bytes = read_file(path, most_metrics, wrong_file);
    std::istringstream lines(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    for (std::string line; std::getline(lines, line);) {
        entries.push_back(parse_json(line));
        if (!is_entry(entries.back())) {
            fail<DataError>(
                "{}:{}: is no JSON object with an epoch, its seconds, and bytes where there are any; remove that line, "
                "or "
                "make the run again",
                path.string(), entries.size());
        }
    }
    return entries;
}

Json output_hashes(const fs::path& folder) {
    Json hashes = Json::object();
    for (const char* name : {"last.ckpt", "best.ckpt", "model.hemp"}) {
        if (fs::exists(folder / name)) {
            hashes[name] = hash_of_file(folder / name);
        }
    }
    return hashes;
}

std::string_view name_in_run(const fs::path& path, const fs::path& folder) {
    std::error_code ignored;
    const fs::path  meant = path.empty() ? path : fs::weakly_canonical(path, ignored);
    for (const char* name : files_of_run) {
        if (!meant.empty() &&
            (fs::equivalent(path, folder / name, ignored) || meant == fs::weakly_canonical(folder / name, ignored))) {
            return name;
        }
    }
    return {};
}

void check_outside_run(const fs::path& output, const fs::path& folder, std::string_view own) {
    std::string_view replaced = name_in_run(output, folder);
    if (!replaced.empty() && replaced != own) {
        fail<UsageError>("{}: belongs to the run, which would be lost; name another file with -o", output.string());
    }
}

void check_output(const fs::path& output) {
    fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
    if (!output.empty() && (fs::is_directory(output) || !fs::is_directory(folder))) {
        fail<UsageError>("{}: cannot be written, it is a folder or lies in none; name a file with -o", output.string());
    }
    if (!output.empty()) {
        check_writable(output);
    }
}

void check_replaced(const fs::path& output, const fs::path& input, std::string_view kind,
                    bool (*is_kind)(std::string_view start)) {
    constexpr size_t looked_at = 1 << 24;  // headers are long where classes have long names
    check_output(output);
    std::error_code ignored;
    if (fs::equivalent(output, input, ignored)) {
        fail<UsageError>("{}: is the input, which would be lost; name another file with -o", output.string());
    }
    if (fs::is_regular_file(output, ignored) && fs::file_size(output, ignored) > 0) {
        std::string   start(looked_at, '\0');
        std::ifstream file(output, std::ios::binary);
        file.read(start.data(), looked_at);
        start.resize(static_cast<size_t>(file.gcount()));
        if (!is_kind(start)) {
            fail<UsageError>("{}: is there and no {}, so that something else would be lost; name another file with -o",
                             output.string(), kind);
        }
    }
}

}  // namespace hemp
