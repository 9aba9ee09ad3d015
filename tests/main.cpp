// The header was read before (pch/tests.h): only IMPLEMENT makes it go on to what it implements.
#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/operators_covered.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cstdlib>

int main(int argc, char** argv) {
    int  failed     = doctest::Context(argc, argv).run();
    bool everything = argc == 1 && std::getenv("HEMP_CASE") == nullptr;  // no test was filtered out
    for (const std::string& name : everything ? hemp::operators_without_case() : std::set<std::string>{}) {
        fmt::print(stderr, "operator '{}' is in no check_operator; add one to the tests\n", name);
        failed = 1;
    }
    return failed;
}
