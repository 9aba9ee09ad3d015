#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace hemp {

/// "a, b, c". fmt::join would compile much of fmt again in every file that lists something in a message.
template <class Words>
std::string join(const Words& words, std::string_view separator = ", ") {
    std::string joined;
    bool        first = true;
    for (const auto& word : words) {
        if (!first) {
            joined += separator;
        }
        joined += fmt::format("{}", word);
        first = false;
    }
    return joined;
}

}  // namespace hemp
