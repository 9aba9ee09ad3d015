#include "cli/command.h"

#include <CLI/CLI.hpp>

#include <filesystem>

namespace hemp {

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
    option_->check(CLI::Range(least, most));
    return *this;
}

Option& Option::positive() {
    option_->check(CLI::PositiveNumber);
    return *this;
}

Option& Option::not_negative() {
    option_->check(CLI::NonNegativeNumber);
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

}  // namespace hemp
