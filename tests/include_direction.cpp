// Which folder may include from which, and which paths the text of the project may name: read from the source tree.

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fs = std::filesystem;
using Names  = std::vector<std::string_view>;

namespace {

const Names engine = {"core", "core/ops", "core/grad", "core/plan", "core/run"};

Names with_engine(Names names) {
    names.insert(names.end(), engine.begin(), engine.end());
    return names;
}

/// The architecture, lowest folder first: what each may use beside itself. Folders at the end may use all of them.
const std::map<std::string_view, Names> may_use = {
    {"core/kernels", {}},
    {"core", {}},
    {"core/ops", {"core", "core/kernels"}},
    {"core/grad", {"core", "core/ops"}},
    {"core/plan", {"core", "core/ops", "core/kernels"}},
    {"core/run", {"core", "core/plan", "core/kernels"}},
    {"core/file", {"core"}},
    {"layers", engine},
    {"optim", engine},
    {"models", with_engine({"layers"})},
    {"hemp", with_engine({"core/kernels", "core/file", "layers", "optim", "models"})},
    {"datasets", with_engine({"core/file"})},
};
const Names may_use_all = {"cli", "tests", "bench", "examples"};

bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// The folder of the table that `path` (relative to the root) belongs to, the longest that fits; empty if there is
/// none. An entry may be a folder (core/ops/relu.h) or a pair of files (core/grad.cpp).
std::string_view folder_of(std::string_view path) {
    std::string_view best;
    auto             consider = [&](std::string_view folder) {
        bool fits = path.starts_with(folder) && path.size() > folder.size() &&
                    (path[folder.size()] == '/' || path[folder.size()] == '.');
        if (fits && folder.size() > best.size()) {
            best = folder;
        }
    };
    for (const auto& [folder, uses] : may_use) {
        consider(folder);
    }
    for (std::string_view folder : may_use_all) {
        consider(folder);
    }
    return best;
}

bool allowed(std::string_view file, std::string_view included) {
    std::string_view from = folder_of(file);
    std::string_view to   = folder_of(included);
    if (from.empty() || to.empty()) {
        return false;
    }
    return from == to || contains(may_use_all, from) || contains(may_use.at(from), to);
}

/// What `#include "..."` names; empty for every other line.
std::string_view included_by(std::string_view line) {
    size_t hash = line.find_first_not_of(" \t");
    if (hash == line.npos || line[hash] != '#') {
        return {};
    }
    size_t word = line.find_first_not_of(" \t", hash + 1);
    if (word == line.npos || !line.substr(word).starts_with("include")) {
        return {};
    }
    size_t open = line.find('"', word);
    if (open == line.npos) {
        return {};
    }
    return line.substr(open + 1, line.find('"', open + 1) - open - 1);
}

/// The first folder of an absolute path with at least two parts that `line` names ("home" in a quoted /home/ann),
/// unless it is one that every Linux machine has; empty if there is none.
std::string_view foreign_root(std::string_view line) {
    const Names personal    = {"home", "root", "work", "Users", "mnt", "media", "srv", "farm"};
    const auto  starts_path = std::string_view(" \t\"'`(=");
    const auto  is_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
    const auto  end_of_name = [&](size_t i) {
        while (i < line.size() && is_name(line[i])) {
            ++i;
        }
        return i;
    };
    for (size_t slash = line.find('/'); slash != line.npos; slash = line.find('/', slash + 1)) {
        bool   starts = slash == 0 || starts_path.find(line[slash - 1]) != starts_path.npos;
        size_t end    = end_of_name(slash + 1);
        bool   named  = end > slash + 1 && end + 1 < line.size() && line[end] == '/' && is_name(line[end + 1]);
        if (starts && named && contains(personal, line.substr(slash + 1, end - slash - 1))) {
            return line.substr(slash + 1, end - slash - 1);
        }
    }
    return {};
}

struct Line {
    std::string file;  ///< relative to the root
    int         number;
    std::string text;
};

std::string place(const Line& line) { return line.file + ":" + std::to_string(line.number) + ": " + line.text; }

/// Every line of the project's files that end in one of `endings`: the folders of the table, the documents, the
/// scripts.
std::vector<Line> lines_of_files(const Names& endings) {
    const fs::path        root = HEMP_SOURCE_ROOT;
    std::vector<fs::path> files;
    auto                  add = [&](const fs::directory_entry& entry) {
        std::string name = entry.path().filename().string();
        if (entry.is_regular_file() &&
            std::any_of(endings.begin(), endings.end(), [&](auto ending) { return name.ends_with(ending); })) {
            files.push_back(entry.path());
        }
    };
    for (const auto& entry : fs::directory_iterator(root)) {
        add(entry);
    }
    for (const char* folder : {"core", "layers", "optim", "models", "hemp", "datasets", "cli", "tests", "bench",
                               "examples", "docs", "packaging", ".ci"}) {
        if (fs::is_directory(root / folder)) {
            for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
                add(entry);
            }
        }
    }
    std::sort(files.begin(), files.end());

    std::vector<Line> lines;
    for (const fs::path& file : files) {
        std::ifstream in(file);
        std::string   text;
        for (int number = 1; std::getline(in, text); ++number) {
            lines.push_back({fs::relative(file, root).string(), number, text});
        }
    }
    return lines;
}

}  // namespace

TEST_CASE("the table of folders") {
    SUBCASE("lets an operator use graph and kernels") {
        CHECK(allowed("core/ops/relu.cpp", "core/graph.h"));
        CHECK(allowed("core/ops/relu.cpp", "core/kernels/dispatch.h"));
    }
    SUBCASE("refuses a step upwards") {
        CHECK_FALSE(allowed("core/kernels/gemm.cpp", "core/graph.h"));
        CHECK_FALSE(allowed("core/graph.cpp", "core/ops/relu.h"));
        CHECK_FALSE(allowed("core/grad.cpp", "core/run/executor.h"));
        CHECK_FALSE(allowed("layers/linear.cpp", "hemp/entropy.h"));
    }
    SUBCASE("counts a pair of files like a folder") { CHECK(folder_of("core/grad.h") == "core/grad"); }
    SUBCASE("refuses a path that does not start at the root") { CHECK_FALSE(allowed("core/graph.cpp", "array.h")); }
    SUBCASE("gives everything to programs and tests") { CHECK(allowed("cli/train.cpp", "core/run/arena.h")); }
}

TEST_CASE("every include keeps the direction of the folders") {
    int includes = 0;
    for (const Line& line : lines_of_files({".h", ".cpp"})) {
        std::string_view included = included_by(line.text);
        if (included.empty()) {
            continue;
        }
        ++includes;
        INFO(place(line));
        INFO("not allowed by the table in this test; include from a lower folder, by its path from the root");
        CHECK(allowed(line.file, included));
    }
    CHECK(includes > 10);
}

TEST_CASE("a path of one machine is told from a path of every machine") {
    CHECK(foreign_root("open(\"/home/ann/mnist\")") == "home");
    CHECK(foreign_root("open(\"/usr/share/mnist\")").empty());
    CHECK(foreign_root("a / b / c; // and/or/both").empty());
    CHECK(foreign_root("https://example.org/a/b").empty());
}

TEST_CASE("no file names a path of a developer's machine") {
    const std::string beside = std::string("..") + "/shared";
    int               count  = 0;
    for (const Line& line : lines_of_files({".h", ".cpp", ".build", ".md", ".txt", ".1", ".sh", ".py"})) {
        if (line.file == "tests/include_direction.cpp") {
            continue;
        }
        ++count;
        INFO(place(line));
        INFO("take paths from the command line, or in tests from HEMP_DATA");
        CHECK(foreign_root(line.text).empty());
        CHECK(line.text.find(beside) == std::string::npos);
    }
    CHECK(count > 100);
}
