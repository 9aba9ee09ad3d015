// Every operator has a plain version, and is in a check_operator (main.cpp asks for that after all tests).

#include "tests/operators_covered.h"

#include "tests/harness.h"
#include "tests/patterns.h"
#include "tests/plain/plain.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
    std::ifstream     in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

/// The names in the descriptors of `source`: `.name = "..."`, or the argument of a function that makes descriptors.
std::set<std::string> operators_described_in(const std::string& source) {
    std::set<std::string> names;
    if (source.find("Operator ") == source.npos) {
        return names;
    }
    for (const std::string& name :
         hemp::all_matches(source, "\\.name *= *\"([^\"]+)\"|_operator *= *[[:alnum:]_]+<[^>]*>\\(\"([^\"]+)\"")) {
        names.insert(name);
    }
    return names;
}

/// The names of all operators that the sources of the library describe.
std::set<std::string> operators_of_library() {
    std::set<std::string> names;
    for (const char* folder : {"core/ops", "layers", "models", "optim", "hemp"}) {
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(HEMP_SOURCE_ROOT) / folder)) {
            if (entry.path().extension() == ".cpp") {
                names.merge(operators_described_in(text_of(entry.path())));
            }
        }
    }
    return names;
}

}  // namespace

namespace hemp {

std::set<std::string> operators_without_case() {
    std::set<std::string> names = operators_of_library();
    for (std::string_view checked : checked_operators()) {
        names.erase(std::string(checked));
    }
    return names;
}

}  // namespace hemp

TEST_CASE("the names of operators are found in sources") {
    CHECK(operators_described_in("const Operator x{.name     = \"add\", .infer = f}") == std::set<std::string>{"add"});
    CHECK(operators_described_in("const Operator a_operator = comparison<A>(\"greater\");") ==
          std::set<std::string>{"greater"});
    CHECK(operators_described_in("struct Flag { .name = \"x\" }").empty());
}

TEST_CASE("every operator has a plain version and every plain version an operator") {
    std::set<std::string> operators = operators_of_library();
    CHECK(operators.size() > 45);
    for (const std::string& name : operators) {
        INFO("operator '" << name << "' needs a plain version in tests/plain");
        CHECK(hemp::plain::table().contains(name));
    }
    for (const auto& entry : hemp::plain::table()) {
        const std::string name(entry.first);
        INFO("the plain version '" << name << "' is of no operator");
        CHECK(operators.contains(name));
    }
}
