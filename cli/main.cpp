// The program `hemp`: finds the command, sets what all commands share, turns errors into messages and exit codes.

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "core/error.h"
#include "core/kernels/dispatch.h"
#include "core/run/team.h"
#include "core/version.h"

#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>
#include <new>

namespace hemp {
namespace {

enum ExitCode { good = 0, error = 1, usage = 2, damaged = 3 };

struct NamedCommand {
    const char* name;
    const char* does;
    Action (*add)(Command&);
};

constexpr NamedCommand commands[] = {
    {"demo", "The whole road once, on embedded digits", add_demo},
    {"train", "Train a model; its run folder can be resumed", add_train},
    {"compress", "Make a .hemp file of trained weights", add_compress},
    {"decompress", "Write a .hemp file's weights as safetensors", add_decompress},
    {"eval", "Accuracy of a checkpoint, run folder, safetensors or .hemp file", add_eval},
    {"predict", "The most probable classes of images", add_predict},
    {"list", "Bytes, levels and bits a weight of a .hemp file", add_list},
    {"test", "Verify .hemp files", add_test},
    {"explain", "Graph, plan, arithmetic and memory of a model", add_explain},
    {"bench", "Median time of a model's step", add_bench},
    {"replay", "Repeat a recorded run and compare bytes", add_replay},
    {"info", "Version, processor, kernels, threads, libraries", add_info},
};

struct Shared {
    Settings    settings;
    int         threads = 0;
    std::string kernels;
};

void add_shared(CLI::App& app, Shared& shared) {
    app.add_option("--threads", shared.threads, "Threads; default: OMP_NUM_THREADS, or the processors allowed")
        ->check(CLI::Range(1, 1024));
    app.add_option("--max-memory", shared.settings.max_memory, "Refuse a file or job that needs more bytes (512M, 2G)")
        ->transform(CLI::AsSizeValue(false));
    app.add_option("--loader-threads", shared.settings.loader_threads, "Threads that make batches beside the step")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    app.add_option("--cache", shared.settings.cache,
                   "Folder of decoded image folders; default: hemp in $XDG_CACHE_HOME or ~/.cache");
    app.add_flag("--no-cache", shared.settings.no_cache, "Decode image folders each time");
    app.add_option("--kernels", shared.kernels, "Instruction set; default: the best there is")
        ->check(CLI::IsMember({"baseline", "avx2", "avx512"}));
    app.add_flag("--reproducible", shared.settings.reproducible, "Refuse kernels whose bits differ between processors");
    app.add_flag("--json", shared.settings.json, "Results as JSON");
    app.add_flag("--quiet", shared.settings.quiet, "No progress");
    app.set_version_flag("--version", "hemp " HEMP_VERSION);
}

/// CLI11 shows a command's own options alone.
std::string help_of_shared(const CLI::App& app) {
    auto options = app.get_options([](const CLI::Option* each) { return each->get_name() != "--help"; });
    return CLI::Formatter().make_group("Options of every command", false, options);
}

void use(const Shared& shared) {
    use_threads(shared.threads);
    for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
        if (name_of(set) == shared.kernels) {
            if (!supported(set)) {
                fail("--kernels: this processor cannot run {}; leave the option out", shared.kernels);
            }
            use_instruction_set(set);
        }
    }
    // Products fuse multiply and add with one rounding on AVX2 and AVX-512 alike; the baseline rounds twice.
    if (shared.settings.reproducible && instruction_set() == InstructionSet::baseline) {
        if (shared.kernels == "baseline") {
            fail<UsageError>(
                "--reproducible: contradicts --kernels baseline, which rounds differently; drop one of them");
        }
        fail("--reproducible: this processor has no fused multiply-add (AVX2 or AVX-512); drop the option");
    }
}

/// A result that was not written completely must not look like a success.
void flush_results() {
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        fail("stdout: cannot write the result: {}; free space or redirect elsewhere", std::strerror(errno));
    }
}

/// A file must not be opened under the number of a standard stream that is closed: messages would go into it. What
/// takes its place cannot be written, so a lost result is still noticed.
void occupy_standard_streams() {
    int number;
    do {
        number = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (number >= 0 && number <= STDERR_FILENO);
    ::close(number);
}

int complain(int code, const char* message) {
    std::fflush(stdout);
    tell(fmt::format("hemp: {}\n", message));
    return code;
}

int run(int count, char** arguments) {
    CLI::App app("Trains small neural networks and stores them in tiny .hemp files.", "hemp");
    Shared   shared;
    add_shared(app, shared);
    app.require_subcommand(1);
    app.fallthrough();
    std::map<const CLI::App*, Action> actions;
    for (const NamedCommand& each : commands) {
        CLI::App* sub = app.add_subcommand(each.name, each.does);
        Command   command(*sub);
        actions[sub] = each.add(command);
        sub->footer(sub->get_footer() + help_of_shared(app));
    }
    bool known = count < 2 || arguments[1][0] == '-' || std::ranges::any_of(commands, [&](const NamedCommand& each) {
                     return each.name == std::string(arguments[1]);
                 });
    if (!known) {
        return complain(usage, fmt::format("'{}' is no command; see hemp --help", arguments[1]).c_str());
    }
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& parse) {
        if (parse.get_exit_code() == 0) {  // --help, --version
            app.exit(parse);
            std::cout.flush();
            flush_results();
            return good;
        }
        return complain(usage, fmt::format("arguments: {}; see hemp --help", parse.what()).c_str());
    }
    use(shared);
    int code = actions.at(app.get_subcommands().front())(shared.settings);
    flush_results();
    return code;
}

}  // namespace
}  // namespace hemp

int main(int count, char** arguments) {
    using namespace hemp;
    occupy_standard_streams();
    try {
        return run(count, arguments);
    } catch (const Interrupted& interrupted) {
        return complain(128 + interrupted.signal, interrupted.what());
    } catch (const UsageError& failure) {
        return complain(usage, failure.what());
    } catch (const DataError& failure) {
        return complain(damaged, failure.what());
    } catch (const Json::exception& failure) {
        return complain(damaged, fmt::format("JSON: an entry is missing or of another kind ({}); name a file as hemp "
                                             "writes it",
                                             failure.what())
                                     .c_str());
    } catch (const std::bad_alloc&) {
        return complain(error, "memory: there is not enough; use a smaller batch or free some");
    } catch (const std::exception& failure) {
        return complain(error, failure.what());
    }
}
