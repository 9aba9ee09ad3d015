#include "cli/chart.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

namespace hemp {
namespace {

size_t occurrences(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

/// What stands beside the vertical axis.
std::vector<std::string> marks_of(const std::string& svg) {
    const std::string        anchor = "text-anchor=\"end\"";
    std::vector<std::string> marks;
    for (size_t at = svg.find(anchor); at != std::string::npos; at = svg.find(anchor, at + 1)) {
        size_t begin = svg.find('>', at) + 1;
        marks.push_back(svg.substr(begin, svg.find('<', begin) - begin));
    }
    return marks;
}

}  // namespace

TEST_CASE("charts show every value that can be drawn") {
    const double nothing = std::nan("");

    SUBCASE("a line has a mark for each point, and as many series as are given") {
        std::string svg = line_chart("loss", {"epoch"}, {"nats"}, {{"a", {{1, 2}, {2, 1}}}, {"b", {{1, 3}}, false}});
        CHECK(occurrences(svg, "<circle") == 3 + 2);  // and one for each name
        CHECK(occurrences(svg, "<polyline") == 1);
        CHECK(occurrences(svg, "aria-label=\"loss\"") == 1);
    }
    SUBCASE("what has no place on an axis is left out") {
        std::string svg =
            line_chart("bytes", {"epoch"}, {"bytes", true}, {{"a", {{1, 0}, {2, -5}, {3, 10}, {4, nothing}}}});
        svg += line_chart("huge", {"x"}, {"y"}, {{"a", {{1, 1e308}, {2, -1e308}, {3, 1}}}});
        svg += histogram("odd", {{nothing, 3}, {HUGE_VAL, 1}, {-HUGE_VAL, 1}, {1, 2}});
        CHECK(occurrences(svg, "<circle") == 2);
        CHECK(svg.find("nan") == std::string::npos);
        CHECK(svg.find("inf") == std::string::npos);
        CHECK(line_chart("none", {"x"}, {"y"}, {{"a", {}}}).find("no values") != std::string::npos);
    }
    SUBCASE("axes have a few marks, all different, however small or large the values or near to each other") {
        for (double size : {1e-30, 0.003, 1.0, 7e5, 1e30}) {
            for (double range : {40.0, 1.0001, 1e-5}) {
                for (bool logarithmic : {false, true}) {
                    CAPTURE(size);
                    CAPTURE(range);
                    CAPTURE(logarithmic);
                    std::vector<std::string> marks = marks_of(line_chart(
                        "a", {"x"}, {"y", logarithmic}, {{"a", {{1, size}, {1, size * (1 + range)}, {9, size}}}}));
                    CHECK(marks.size() >= 2);
                    CHECK(marks.size() <= 12);
                    CHECK(std::set<std::string>(marks.begin(), marks.end()).size() == marks.size());
                }
            }
        }
        Axis bytes{.label = "bytes", .logarithmic = true, .whole = true};
        for (const std::string& mark : marks_of(line_chart("a", {"x"}, bytes, {{"a", {{1, 45474}, {2, 45476}}}}))) {
            CHECK(mark.find('.') == std::string::npos);
        }
        CHECK(occurrences(line_chart("a", {"x"}, {"y"}, {{"a", {{5, 5}, {5, 5}}}}), "<circle") == 2);
    }
    SUBCASE("a bar for each value, a row for each name, a square for each pair") {
        CHECK(occurrences(histogram("w", {{-1, 5}, {0, 500}, {1, 0}}), "<rect") == 3);
        CHECK(occurrences(histogram("w", {}), "<rect") == 0);
        CHECK(occurrences(row_chart("bytes", {{"fc1", 10}, {"fc2", 0}}), "<rect") == 2);
        CHECK(occurrences(heat_map("c", {"cat", "dog"}, {{3, 1}, {0, 0}}), "<rect") == 4);
    }
    SUBCASE("names are text, whatever they hold") {
        CHECK(escaped("\xc3\xa4?") == "\xc3\xa4?");
        CHECK(escaped("im\xff<") == "im?&lt;");
        CHECK(escaped("<a b='c'>&\"\n\x7f") == "&lt;a b=&#39;c&#39;&gt;&amp;&quot;  ");
        std::string name = "</svg><script>alert(1)</script>";
        for (const std::string& svg :
             {line_chart(name, {name}, {name}, {{name, {{1, 2, name}}}, {name, {}}}), histogram(name, {{1, 2, name}}),
              row_chart(name, {{name, 1, name}}), heat_map(name, {name}, {{1}})}) {
            CHECK(occurrences(svg, "<script") == 0);
            CHECK(occurrences(svg, "</svg>") == 1);
        }
    }
    SUBCASE("a long name keeps its end, and no half of a character") {
        std::string name;
        for (int i = 0; i < 50; ++i) {
            name += "\u00e4";
        }
        std::string svg = row_chart("bytes", {{"x" + name + "y", 1}});
        CHECK(svg.find("\u2026\u00e4") != std::string::npos);
        CHECK(svg.find("y</text>") != std::string::npos);
        CHECK(row_chart("bytes", {{"short", 1}}).find("textLength") == std::string::npos);
        CHECK(heat_map("c", {std::string(15, 'M')}, {{1}}).find("textLength") != std::string::npos);
    }
}

}  // namespace hemp
