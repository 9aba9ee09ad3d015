// Compiled once for all commands: these headers take longer to read than a command to compile.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
