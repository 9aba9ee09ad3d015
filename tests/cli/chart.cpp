#include "cli/chart.h"
#include "core/error.h"
#include "datasets/image.h"
#include "datasets/png.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace hemp {
namespace {

size_t occurrences(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
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
        CHECK(occurrences(svg, "<circle") == 1);
        CHECK(svg.find("nan") == std::string::npos);
        CHECK(svg.find("inf") == std::string::npos);
        CHECK(line_chart("none", {"x"}, {"y"}, {{"a", {}}}).find("no values") != std::string::npos);
    }
    SUBCASE("axes have a few round marks, however small or large the values") {
        for (double size : {1e-30, 0.003, 1.0, 7e5, 1e30}) {
            for (bool logarithmic : {false, true}) {
                CAPTURE(size);
                CAPTURE(logarithmic);
                std::string svg =
                    line_chart("a", {"x"}, {"y", logarithmic}, {{"a", {{1, size}, {1, 1.5 * size}, {9, 40 * size}}}});
                CHECK(occurrences(svg, "text-anchor=\"end\"") >= 2);
                CHECK(occurrences(svg, "text-anchor=\"end\"") <= 12);
            }
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
    }
}

TEST_CASE("an image comes back from its PNG") {
    std::mt19937 random(7);
    for (int channels : {1, 3}) {
        Array image(Type{{channels, 5, 3}, DType::u8});
        std::ranges::generate(image.values<uint8_t>(), [&] { return static_cast<uint8_t>(random()); });
        Array back = decode_image(encode_png(view(std::as_const(image))), channels, "image");
        CHECK(back.shape() == image.shape());
        CHECK(std::ranges::equal(back.values<uint8_t>(), image.values<uint8_t>()));
    }
    Array image(Type{{2, 5, 3}, DType::u8});
    CHECK_THROWS_AS(encode_png(view(std::as_const(image))), UsageError);
}

}  // namespace hemp
