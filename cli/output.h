#pragma once
// Results on standard output: a table for people, JSON for programs. Messages on standard error.

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hemp {

using Json = nlohmann::ordered_json;

using Rows = std::vector<std::vector<std::string>>;

/// Columns lined up; those that hold numbers alone, but for the heading, to the right.
void print_table(const Rows& rows);

void print_json(const Json& json);

// As Json::parse and Json::dump, which take seconds to compile in each file that calls them.
Json parse_json(std::string_view text);  ///< is_discarded() where the text is no JSON, or nested more than 100 deep
std::string text_of(const Json& json, int indent = -1);

/// JSON can hold no other text.
bool is_utf8(const std::string& text);

/// Writes to standard error. What cannot be written there is lost: no message may end a run.
void tell(const std::string& text);

/// Throws Error if the file cannot be read, DataError if it is no JSON object.
Json read_json(const std::filesystem::path& path);

/// "7", "7, step 0.25" where they are multiples of a step, "step 0.25" where their number is not known.
std::string levels_text(int64_t levels, double step);

/// "1,234,567"
std::string grouped(uint64_t number);

}  // namespace hemp
