#pragma once
// POSIX extended regular expressions: std::regex takes seconds to compile in each file that uses it.

#include <regex.h>

#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace hemp {

/// What `pattern` finds in `text`, from first to last: of each match the group that took part, or all of it if the
/// pattern has no groups. Neither '.' nor [^x] matches the end of a line.
inline std::vector<std::string> all_matches(const std::string& text, const std::string& pattern) {
    regex_t compiled;
    if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NEWLINE) != 0) {
        throw std::invalid_argument("no regular expression: " + pattern);
    }
    std::vector<std::string> found;
    regmatch_t               groups[3];
    const char*              rest        = text.c_str();
    int                      within_line = 0;
    while (regexec(&compiled, rest, std::size(groups), groups, within_line) == 0 && groups[0].rm_eo > 0) {
        regmatch_t taken = groups[0];
        for (const regmatch_t& group : {groups[1], groups[2]}) {
            taken = group.rm_so >= 0 ? group : taken;
        }
        found.emplace_back(rest + taken.rm_so, rest + taken.rm_eo);
        rest += groups[0].rm_eo;
        within_line = rest[-1] == '\n' ? 0 : REG_NOTBOL;
    }
    regfree(&compiled);
    return found;
}

inline bool matches(const std::string& text, const std::string& pattern) { return !all_matches(text, pattern).empty(); }

}  // namespace hemp
