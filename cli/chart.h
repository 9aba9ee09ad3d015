#pragma once
// Charts as SVG, for a page without scripts. Colours are classes that the page's style defines (s0, s1, ... of series,
// and grid), so that they follow light and dark.

#include <cstdint>
#include <string>
#include <vector>

namespace hemp {

struct Point {
    double      x, y;
    std::string note = {};  ///< shown where the pointer rests; empty: x and y
};

struct Series {
    std::string        name;
    std::vector<Point> points;
    bool               joined = true;  ///< by a line
};

struct Axis {
    std::string label;
    bool        logarithmic = false;  ///< positive values only; others are left out
    bool        whole       = false;  ///< only integers are marked
};

/// Points of every series (at most four) over both axes, the first on top; `title` is read to those who do not see the
/// chart.
std::string line_chart(const std::string& title, const Axis& x, const Axis& y, const std::vector<Series>& series);

/// A bar at each point's x, as high as the logarithm of its y, which is a count.
std::string histogram(const std::string& title, const std::vector<Point>& bars);

struct NamedValue {
    std::string name;
    double      value;
    std::string text = {};  ///< behind the bar
};

/// A bar a row.
std::string row_chart(const std::string& title, const std::vector<NamedValue>& rows);

/// A square for each pair, the darker the larger its share of the row; the diagonal in another colour.
///   counts    names.size() rows of as many
std::string heat_map(const std::string& title, const std::vector<std::string>& names,
                     const std::vector<std::vector<int64_t>>& counts);

/// Text with the characters replaced that mean something in HTML and SVG; controls become spaces, and all beyond ASCII
/// question marks where it is no UTF-8.
std::string escaped(const std::string& text);

}  // namespace hemp
