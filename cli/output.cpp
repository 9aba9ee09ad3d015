#include "cli/output.h"

#include "core/error.h"
#include "core/file/file.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>

namespace hemp {
namespace {

bool is_number(const std::string& text) {
    return std::ranges::all_of(
        text, [](unsigned char c) { return std::isdigit(c) || c == '.' || c == ',' || c == '-' || c == '%'; });
}

}  // namespace

void print_table(const Rows& rows) {
    std::vector<size_t> widths;
    std::vector<bool>   numbers;
    for (size_t r = 0; r < rows.size(); ++r) {
        widths.resize(std::max(widths.size(), rows[r].size()));
        numbers.resize(widths.size(), true);
        for (size_t i = 0; i < rows[r].size(); ++i) {
            widths[i]  = std::max(widths[i], rows[r][i].size());
            numbers[i] = numbers[i] && (r == 0 || is_number(rows[r][i]));
        }
    }
    for (const auto& row : rows) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i) {
            line +=
                numbers[i] ? fmt::format("{:>{}}  ", row[i], widths[i]) : fmt::format("{:<{}}  ", row[i], widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        fmt::print("{}\n", line);
    }
}

void print_json(const Json& json) {
    // A name of a file need not be UTF-8.
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

Json parse_json(std::string_view text) {
    constexpr int most    = 100;
    bool          shallow = true;
    auto          watch   = [&](int depth, Json::parse_event_t, Json&) { return shallow &= depth <= most; };
    Json          json    = Json::parse(text, watch, false);
    return shallow ? json : Json(Json::value_t::discarded);
}

std::string text_of(const Json& json, int indent) { return json.dump(indent); }

bool is_utf8(const std::string& text) {
    try {
        (void)text_of(text);
        return true;
    } catch (const Json::type_error&) {
        return false;
    }
}

void tell(const std::string& text) {
    auto before = std::signal(SIGPIPE, SIG_IGN);  // nobody may read on: hemp ... 2>&1 | head
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
    std::signal(SIGPIPE, before);
}

Json read_json(const std::filesystem::path& path) {
    constexpr size_t max_bytes = size_t{16} << 20;
    Bytes            bytes     = read_file(path, max_bytes, wrong_file);
    Json             json      = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!json.is_object()) {
        fail<DataError>("{}: is no JSON object; name a manifest.json as hemp writes it", path.string());
    }
    return json;
}

std::string levels_text(int64_t levels, double step) {
    std::string text = levels > 0 ? std::to_string(levels) : "";
    return step > 0 ? fmt::format("{}{}step {:.4g}", text, text.empty() ? "" : ", ", step) : text;
}

std::string grouped(uint64_t number) {
    return number < 1000 ? std::to_string(number) : fmt::format("{},{:03}", grouped(number / 1000), number % 1000);
}

}  // namespace hemp
