#pragma once
// What the commands of the program have in common.

#include <CLI/CLI.hpp>

#include <cstddef>
#include <functional>
#include <string>

namespace hemp {

/// The options that every command takes. Threads and instruction set are in force before a command acts.
struct Settings {
    bool   quiet          = false;
    bool   json           = false;
    bool   reproducible   = false;
    size_t max_memory     = 0;  ///< bytes; 0: the default of what is being done
    int    loader_threads = 1;  ///< that make batches beside the step

    std::string cache    = {};  ///< folder of packed images; empty: the usual one
    bool        no_cache = false;

    size_t program_memory() const { return max_memory != 0 ? max_memory : size_t{16} << 30; }
    size_t file_memory() const { return max_memory != 0 ? max_memory : size_t{1} << 30; }
};

/// What a command does, once its options are known; returns the exit code.
using Action = std::function<int(const Settings&)>;

// Each adds its options to `app` and returns its action. One file a command.
Action add_bench(CLI::App& app);
Action add_compress(CLI::App& app);
Action add_decompress(CLI::App& app);
Action add_demo(CLI::App& app);
Action add_eval(CLI::App& app);
Action add_explain(CLI::App& app);
Action add_info(CLI::App& app);
Action add_list(CLI::App& app);
Action add_predict(CLI::App& app);
Action add_replay(CLI::App& app);
Action add_test(CLI::App& app);
Action add_train(CLI::App& app);

}  // namespace hemp
