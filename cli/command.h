#pragma once
// What the commands of the program have in common.

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

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

// A file that includes CLI11 takes ten seconds to compile: only command.cpp does. Commands describe their options by
// the two classes below.

/// One option of a command, and what its value must be.
class Option {
 public:
    explicit Option(CLI::Option& option) : option_(&option) {}

    Option& required();
    Option& shows_default();  ///< in the help: the variable's present value
    Option& between(int least, int most);
    Option& between(double least, double most);
    Option& positive();
    Option& not_negative();
    Option& natural();  ///< digits alone, below 2^64
    Option& one_of(const std::vector<std::string>& words);

 private:
    CLI::Option* option_;
};

/// What can stand behind the name of a command.
class Command {
 public:
    explicit Command(CLI::App& app) : app_(&app) {}

    /// An option ("--epochs", "-o,--output") or argument ("FILE") that sets `value`: a bool (a flag, false with '!'
    /// before its name), a number, a string, a path, or a list of strings.
    template <class T>
    Option option(const std::string& name, T& value, const std::string& description);

    Option                   option(const std::string& name);  ///< one that was added
    void                     footer(const std::string& text);  ///< of the help
    std::vector<std::string> given() const;                    ///< names of the options that the user gave

 private:
    CLI::App* app_;
};

/// What a command does, once its options are known; returns the exit code.
using Action = std::function<int(const Settings&)>;

// Each adds its options to the command and returns its action. One file a command.
Action add_bench(Command& command);
Action add_compare(Command& command);
Action add_compress(Command& command);
Action add_decompress(Command& command);
Action add_demo(Command& command);
Action add_eval(Command& command);
Action add_explain(Command& command);
Action add_info(Command& command);
Action add_list(Command& command);
Action add_predict(Command& command);
Action add_replay(Command& command);
Action add_report(Command& command);
Action add_test(Command& command);
Action add_train(Command& command);

struct NamedCommand {
    const char* name;
    const char* does;
    Action (*add)(Command&);
};

/// What the command line asks for.
struct Request {
    Settings    settings;
    int         threads = 0;   ///< 0: as the environment says
    std::string kernels = {};  ///< name of an instruction set; empty: the best there is
    Action      action  = {};  ///< none where --help or --version was asked for, which is printed then
};

/// Throws UsageError that says what is wrong.
Request read_command_line(int count, char** arguments, std::span<const NamedCommand> commands);

}  // namespace hemp
