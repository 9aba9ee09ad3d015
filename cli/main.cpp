// The program `hemp`: runs the command that is asked for, turns errors into messages and exit codes.

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "core/error.h"
#include "core/kernels/dispatch.h"
#include "core/run/team.h"

#include <fcntl.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>

namespace hemp {
namespace {

enum ExitCode { good = 0, error = 1, usage = 2, damaged = 3 };

constexpr NamedCommand commands[] = {
    {"demo", "The whole road once, on embedded digits", add_demo},
    {"train", "Train a model; its run folder can be resumed", add_train},
    {"compress", "Make a .hemp file of trained weights", add_compress},
    {"decompress", "Write a .hemp file's weights as safetensors", add_decompress},
    {"eval", "Accuracy of a checkpoint, run folder, safetensors or .hemp file", add_eval},
    {"predict", "The most probable classes of images", add_predict},
    {"list", "Bytes, levels and bits a weight of a .hemp file", add_list},
    {"compare", "A .hemp file beside xz, zstd and bzip2", add_compare},
    {"test", "Verify .hemp files", add_test},
    {"explain", "Graph, plan, arithmetic and memory of a model", add_explain},
    {"bench", "Median time of a model's step", add_bench},
    {"report", "One page with the curves, tensors and mistakes of a run", add_report},
    {"replay", "Repeat a recorded run and compare bytes", add_replay},
    {"info", "Version, processor, kernels, threads, libraries", add_info},
};

void use(const Request& request) {
    use_threads(request.threads);
    for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
        if (name_of(set) == request.kernels) {
            if (!supported(set)) {
                fail("--kernels: this processor cannot run {}; leave the option out", request.kernels);
            }
            use_instruction_set(set);
        }
    }
    // Products fuse multiply and add with one rounding on AVX2 and AVX-512 alike; the baseline rounds twice.
    if (request.settings.reproducible && instruction_set() == InstructionSet::baseline) {
        if (request.kernels == "baseline") {
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
    Request request = read_command_line(count, arguments, commands);
    int     code    = good;
    if (request.action) {
        use(request);
        code = request.action(request.settings);
    }
    flush_results();
    return code;
}

/// Memory that a tensor has left serves the next one: given back to the system and asked for again, each of its pages
/// would be cleared and mapped anew.
void keep_freed_memory() {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

}  // namespace
}  // namespace hemp

int main(int count, char** arguments) {
    using namespace hemp;
    occupy_standard_streams();
    keep_freed_memory();
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
    } catch (const std::filesystem::filesystem_error& failure) {
        return complain(error, fmt::format("{}: {}; name another file or folder", failure.path1().string(),
                                           failure.code().message())
                                   .c_str());
    } catch (const std::bad_alloc&) {
        return complain(error, "memory: there is not enough; use a smaller batch or free some");
    } catch (const std::exception& failure) {
        return complain(error, failure.what());
    }
}
