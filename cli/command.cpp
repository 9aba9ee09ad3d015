#include "cli/command.h"

#include "core/error.h"
#include "core/version.h"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

namespace hemp {
namespace {

/// CLI11's own ranges hold nan, and name the largest number there is in 309 digits.
CLI::Validator number(const std::string& description, const std::string& expected, bool (*holds)(double)) {
    return {[=](const std::string& text) {
                double value = 0;
                bool   read  = CLI::detail::lexical_cast(text, value);
                return read && std::isfinite(value) && holds(value) ? std::string()
                                                                    : fmt::format("{} is no {}", text, expected);
            },
            description};
}

CLI::Validator finite() {
    return number("", "finite number", [](double) { return true; });
}

}  // namespace

Option& Option::required() {
    option_->required();
    return *this;
}

Option& Option::shows_default() {
    option_->capture_default_str();
    return *this;
}

Option& Option::between(int least, int most) {
    option_->check(CLI::Range(least, most));
    return *this;
}

Option& Option::between(double least, double most) {
    option_->check(finite());
    option_->check(CLI::Range(least, most));
    return *this;
}

Option& Option::natural() {
    option_->check({[](const std::string& text) {
                        uint64_t value    = 0;
                        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
                        bool plain =
                            error == std::errc() && end == text.data() + text.size() && text == std::to_string(value);
                        return plain ? std::string() : text + " is no whole number from 0 to 18446744073709551615";
                    },
                    ""});
    return *this;
}

Option& Option::positive() {
    option_->check(number("POSITIVE", "number above 0", [](double value) { return value > 0; }));
    return *this;
}

Option& Option::not_negative() {
    option_->check(number("NONNEGATIVE", "number of 0 or more", [](double value) { return value >= 0; }));
    return *this;
}

Option& Option::one_of(const std::vector<std::string>& words) {
    option_->check(CLI::IsMember(words));
    return *this;
}

template <class T>
Option Command::option(const std::string& name, T& value, const std::string& description) {
    if constexpr (std::is_same_v<T, bool>) {
        return Option(*app_->add_flag(name, value, description));
    } else {
        return Option(*app_->add_option(name, value, description));
    }
}

template Option Command::option(const std::string&, bool&, const std::string&);
template Option Command::option(const std::string&, int&, const std::string&);
template Option Command::option(const std::string&, int64_t&, const std::string&);
template Option Command::option(const std::string&, uint64_t&, const std::string&);
template Option Command::option(const std::string&, double&, const std::string&);
template Option Command::option(const std::string&, std::string&, const std::string&);
template Option Command::option(const std::string&, std::filesystem::path&, const std::string&);
template Option Command::option(const std::string&, std::vector<std::string>&, const std::string&);

Option Command::option(const std::string& name) { return Option(*app_->get_option(name)); }

void Command::footer(const std::string& text) { app_->footer(text); }

std::vector<std::string> Command::given() const {
    std::vector<std::string> names;
    for (const CLI::Option* option : app_->get_options()) {
        if (option->count() > 0) {
            names.push_back(option->get_name());
        }
    }
    return names;
}

namespace {

void add_shared(CLI::App& app, Request& request) {
    app.add_option("--threads", request.threads, "Threads; default: OMP_NUM_THREADS, or the processors allowed")
        ->check(CLI::Range(1, 1024));
    app.add_option("--max-memory", request.settings.max_memory,
                   "Refuse a file or job that needs more bytes (512M, 2G); of folders, put images on the disk")
        ->transform(CLI::AsSizeValue(false));
    app.add_option("--loader-threads", request.settings.loader_threads, "Threads that make batches beside the step")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    app.add_option("--cache", request.settings.cache,
                   "Folder of decoded image folders; default: hemp in $XDG_CACHE_HOME or ~/.cache");
    app.add_flag("--no-cache", request.settings.no_cache, "Decode image folders each time");
    app.add_option("--kernels", request.kernels, "Instruction set; default: the best there is")
        ->check(CLI::IsMember({"baseline", "avx2", "avx512"}));
    app.add_flag("--reproducible", request.settings.reproducible,
                 "Refuse kernels whose bits differ between processors");
    app.add_flag("--json", request.settings.json, "Results as JSON");
    app.add_flag("--quiet", request.settings.quiet, "No progress");
    app.set_version_flag("--version", "hemp " HEMP_VERSION);
}

/// CLI11 shows a command's own options alone.
std::string help_of_shared(const CLI::App& app) {
    auto options = app.get_options([](const CLI::Option* each) { return each->get_name() != "--help"; });
    return CLI::Formatter().make_group("Options of every command", false, options);
}

}  // namespace

Request read_command_line(int count, char** arguments, std::span<const NamedCommand> commands) {
    auto app = std::make_shared<CLI::App>("Trains small neural networks and stores them in tiny .hemp files.", "hemp");
    Request request;
    add_shared(*app, request);
    app->require_subcommand(1);
    app->fallthrough();
    std::map<const CLI::App*, Action> actions;
    for (const NamedCommand& each : commands) {
        CLI::App* sub = app->add_subcommand(each.name, each.does);
        Command   command(*sub);
        actions[sub] = each.add(command);
        sub->footer(sub->get_footer() + help_of_shared(*app));
    }
    bool known = count < 2 || arguments[1][0] == '-' || std::ranges::any_of(commands, [&](const NamedCommand& each) {
                     return each.name == std::string(arguments[1]);
                 });
    if (!known) {
        fail<UsageError>("'{}' is no command; see hemp --help", arguments[1]);
    }
    try {
        app->parse(count, arguments);
    } catch (const CLI::ParseError& parse) {
        if (parse.get_exit_code() == 0) {  // --help, --version
            app->exit(parse);
            std::cout.flush();
            return request;
        }
        fail<UsageError>("arguments: {}; see hemp {}--help", parse.what(),
                         count > 1 && arguments[1][0] != '-' ? std::string(arguments[1]) + " " : "");
    }
    // Actions may ask their command which options were given: it lives as long as they do.
    request.action = [app, action = actions.at(app->get_subcommands().front())](const Settings& settings) {
        return action(settings);
    };
    return request;
}

}  // namespace hemp
