#include "cli/command.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "core/join.h"
#include "core/kernels/dispatch.h"
#include "core/run/team.h"
#include "core/version.h"

#include <fmt/core.h>
#include <zlib.h>
#include <CLI/Version.hpp>

namespace hemp {
namespace {

int info(const Settings& settings) {
    std::vector<std::string> sets;
    for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
        if (supported(set)) {
            sets.emplace_back(name_of(set));
        }
    }
    bool fused     = instruction_set() != InstructionSet::baseline;
    Json libraries = {
        {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
        {"zlib", zlibVersion()},
        {"CLI11", CLI11_VERSION},
        {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                      NLOHMANN_JSON_VERSION_PATCH)},
    };
    if (settings.json) {
        print_json({{"version", HEMP_VERSION},
                    {"processor", processor()},
                    {"kernel_family", name_of(instruction_set())},
                    {"kernel_families", sets},
                    {"reproducible", fused},
                    {"threads", default_threads()},
                    {"compiler", __VERSION__},
                    {"libraries", libraries}});
        return 0;
    }
    std::string used;
    for (const auto& [name, version] : libraries.items()) {
        used += (used.empty() ? "" : ", ") + name + " " + version.get<std::string>();
    }
    print_table({{"version", HEMP_VERSION},
                 {"processor", processor()},
                 {"kernels", fmt::format("{} (this processor runs {})", name_of(instruction_set()), join(sets))},
                 {"products", "hemp's own, no BLAS"},
                 {"reproducible", fused ? "yes: the same bits with AVX2 and AVX-512, on any number of threads"
                                        : "no: without fused multiply-add the bits differ from other processors"},
                 {"threads", fmt::format("{}", default_threads())},
                 {"compiler", __VERSION__},
                 {"libraries", used}});
    return 0;
}

}  // namespace

Action add_info(Command&) { return info; }

}  // namespace hemp
