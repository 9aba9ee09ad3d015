#include "cli/command.h"
#include "cli/output.h"
#include "core/file/file.h"
#include "hemp/package.h"

#include <fmt/core.h>

namespace hemp {
namespace {

/// Tests all files, whatever the first ones are like; the exit code is the worst.
int test(const std::vector<std::string>& paths, const Settings& settings) {
    int  code    = 0;
    Json results = Json::array();
    for (const std::string& path : paths) {
        std::string verdict = "good";
        try {
            decode(read_file(path, settings.file_memory()), path, model_spec, {.max_memory = settings.file_memory()});
        } catch (const DataError& failure) {
            verdict = failure.what();
            code    = 3;
        } catch (const Error& failure) {
            verdict = failure.what();
            code    = std::max(code, 1);
        }
        results.push_back({{"file", path}, {"good", verdict == "good"}, {"verdict", verdict}});
        if (!settings.json) {
            fmt::print("{}\n", verdict == "good" ? fmt::format("{}: good", path) : verdict);
        }
    }
    if (settings.json) {
        print_json(results);
    }
    return code;
}

}  // namespace

Action add_test(Command& command) {
    auto paths = std::make_shared<std::vector<std::string>>();
    command.option("FILE", *paths, ".hemp files").required();
    return [paths](const Settings& settings) { return test(*paths, settings); };
}

}  // namespace hemp
