#include "cli/chart.h"

#include "cli/output.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace hemp {
namespace {

/// "12,345" where it is whole, else four digits.
std::string number(double value) {
    if (value == std::round(value) && std::abs(value) < 1e15) {
        return (value < 0 ? "-" : "") + grouped(static_cast<uint64_t>(std::abs(value)));
    }
    return fmt::format("{:.4g}", value);
}

/// With as many decimals as tell marks apart that lie `step` from each other.
std::string mark(double value, double step) {
    double decimals = std::ceil(-std::log10(step) - 1e-9);
    if (std::abs(value) >= 1e15 || decimals > 9) {
        double digits = std::ceil(std::log10(std::max(std::abs(value) / step, 1.0))) + 1;
        return fmt::format("{:.{}g}", value, static_cast<int>(std::min(digits, 17.0)));
    }
    return decimals > 0 ? fmt::format("{:.{}f}", value, static_cast<int>(decimals)) : number(std::round(value));
}

/// Where values lie between two ends of the drawing.
class Scale {
 public:
    Scale(const Axis& axis, double least, double most, double from, double to)
        : logarithmic_(axis.logarithmic), whole_(axis.whole), from_(from), to_(to) {
        least_ = inner(least);
        most_  = inner(most);
        if (most_ - least_ < 1e-12 * std::max(std::abs(least_), std::abs(most_)) || most_ == least_) {
            double room = logarithmic_ ? 0.1 : std::max(std::abs(least_) * 0.1, 0.5);
            least_ -= room;
            most_ += room;
        }
    }

    double operator()(double value) const { return from_ + (to_ - from_) * (inner(value) - least_) / (most_ - least_); }

    struct Tick {
        double      value;
        std::string text;
    };

    /// Round values, about five.
    std::vector<Tick> ticks() const {
        if (!logarithmic_) {
            return even_ticks(least_, most_);
        }
        double decades = most_ - least_;
        if (decades < 0.7) {  // too short for powers
            return even_ticks(std::pow(10, least_), std::pow(10, most_));
        }
        std::vector<Tick> result;
        double            every = std::ceil(decades / 6);
        for (double power = std::floor(least_); power <= most_; power += every) {
            for (double factor : {1.0, 2.0, 5.0}) {
                double value = factor * std::pow(10, power);
                if (inner(value) >= least_ && inner(value) <= most_ && (factor == 1 || decades < 2)) {
                    result.push_back({value, number(value)});
                }
            }
        }
        return result;
    }

 private:
    double inner(double value) const { return logarithmic_ ? std::log10(value) : value; }

    std::vector<Tick> even_ticks(double least, double most) const {
        std::vector<Tick> result;
        double            step = nice((most - least) / 5);
        step                   = whole_ ? std::max(step, 1.0) : step;
        for (double i = std::ceil(least / step); i * step <= most && result.size() < 20; ++i) {
            result.push_back({i * step, mark(i * step, step)});
        }
        return result;
    }

    /// 1, 2 or 5 times a power of ten, at least `value`.
    static double nice(double value) {
        double power = std::pow(10, std::floor(std::log10(value)));
        for (double factor : {1.0, 2.0, 5.0}) {
            if (factor * power >= value * (1 - 1e-9)) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    bool   logarithmic_, whole_;
    double from_, to_, least_ = 0, most_ = 0;
};

std::string opened(const std::string& title, double width, double height) {
    return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">", width, height,
                       escaped(title));
}

/// About, in the page's type; rather too much.
double width_of(const std::string& text) {
    double width = 0;
    for (char c : text) {
        bool narrow = std::string_view("ijlft.,:;'|!()[] ").find(c) != std::string_view::npos;
        bool inside = (static_cast<unsigned char>(c) & 0xc0) == 0x80;  // a character that has begun
        bool wide =
            static_cast<unsigned char>(c) >= 0x80 || std::string_view("MW@%mw").find(c) != std::string_view::npos;
        width += inside ? 0 : narrow ? 4.5 : wide ? 12 : c >= 'A' && c <= 'Z' ? 8.8 : 7.4;
    }
    return width;
}

/// Pressed together where it is wider than `room`.
std::string text(double x, double y, const char* anchor, const std::string& content, double room = 1e9) {
    std::string fit =
        width_of(content) > room ? fmt::format(" textLength=\"{:.1f}\" lengthAdjust=\"spacingAndGlyphs\"", room) : "";
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>", x, y, anchor, fit,
                       escaped(content));
}

std::string line(double x1, double y1, double x2, double y2, const char* kind) {
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>", x1, y1, x2, y2,
                       kind);
}

std::string box(double x, double y, double width, double height, const std::string& rest, const std::string& note) {
    return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {}><title>{}</title></rect>",
                       x, y, width, height, rest, escaped(note));
}

/// At most so many characters of a name: its end, where tensors differ.
std::string shortened(const std::string& name, size_t most) {
    size_t characters = 0, from = name.size();
    while (from > 0 && characters < most) {
        --from;
        characters += (static_cast<unsigned char>(name[from]) & 0xc0) != 0x80;
    }
    return from == 0 ? name : "\u2026" + name.substr(from);
}

struct Range {
    double least = std::numeric_limits<double>::infinity();
    double most  = -std::numeric_limits<double>::infinity();

    void add(double value) {
        least = std::min(least, value);
        most  = std::max(most, value);
    }
};

/// Beyond 1e300 differences are no numbers any more.
bool drawable(double value, const Axis& axis) { return std::abs(value) < 1e300 && (!axis.logarithmic || value > 0); }

}  // namespace

std::string line_chart(const std::string& title, const Axis& x_axis, const Axis& y_axis,
                       const std::vector<Series>& given) {
    constexpr double    width = 560, height = 320, left = 76, right = 540, top = 34, bottom = 270;
    Range               xs, ys;
    std::vector<Series> series = given;
    for (Series& each : series) {
        std::erase_if(each.points,
                      [&](const Point& point) { return !drawable(point.x, x_axis) || !drawable(point.y, y_axis); });
        for (const Point& point : each.points) {
            xs.add(point.x);
            ys.add(point.y);
        }
    }
    std::string svg = opened(title, width, height);
    if (xs.least > xs.most) {
        return svg + text(width / 2, height / 2, "middle", "no values") + "</svg>";
    }
    Scale x(x_axis, xs.least, xs.most, left, right), y(y_axis, ys.least, ys.most, bottom, top);
    for (const Scale::Tick& tick : y.ticks()) {
        svg += line(left, y(tick.value), right, y(tick.value), "grid") +
               text(left - 6, y(tick.value) + 4, "end", tick.text, left - 8);
    }
    double last = 0;  // where the mark before ends
    for (const Scale::Tick& tick : x.ticks()) {
        double at = x(tick.value), half = width_of(tick.text) / 2;
        svg += line(at, bottom, at, bottom + 5, "grid");
        if (at - half > last && at + half < width) {
            svg += text(at, bottom + 20, "middle", tick.text);
            last = at + half + 6;
        }
    }
    svg += text((left + right) / 2, height - 8, "middle", x_axis.label);
    svg += text(4, 14, "start", y_axis.label);
    double legend = right;
    for (size_t i = series.size(); i-- > 0;) {
        const Series& each = series[i];
        std::string   points, marks;
        for (const Point& point : each.points) {
            points += fmt::format("{:.1f},{:.1f} ", x(point.x), y(point.y));
            std::string note = point.note.empty() ? number(point.x) + ": " + number(point.y) : point.note;
            marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"><title>{}</title></circle>", x(point.x),
                                 y(point.y), escaped(note));
        }
        svg += fmt::format("<g class=\"s{}\">", i);
        if (each.joined) {
            svg += fmt::format("<polyline points=\"{}\"/>", points);
        }
        svg += marks;
        if (series.size() > 1) {
            legend -= width_of(each.name);
            svg += text(legend, 14, "start", each.name);
            svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"10\" r=\"4\"/>", legend - 9);
            legend -= 30;
        }
        svg += "</g>";
    }
    return svg + "</svg>";
}

std::string histogram(const std::string& title, const std::vector<Point>& given) {
    constexpr double width = 280, height = 130, left = 10, right = 270, top = 22, bottom = 108;
    std::string svg = opened(title, width, height) + text(width / 2, 14, "middle", shortened(title, 40), right - left);
    Range       xs;
    double      largest     = 1;
    std::vector<Point> bars = given;
    std::erase_if(bars, [](const Point& bar) { return !drawable(bar.x, {}) || !drawable(bar.y, {}); });
    for (const Point& bar : bars) {
        xs.add(bar.x);
        largest = std::max(largest, bar.y);
    }
    if (bars.empty()) {
        return svg + text(width / 2, height / 2, "middle", "no values") + "</svg>";
    }
    Scale  x({}, xs.least, xs.most, left + 6, right - 6);
    double most = std::log1p(largest);
    double wide = std::clamp((right - left) / (1.5 * static_cast<double>(bars.size())), 0.8, 10.0);
    svg += line(left, bottom, right, bottom, "grid");
    for (const Point& bar : bars) {
        double tall = (bottom - top) * std::log1p(bar.y) / most;
        svg += box(x(bar.x) - wide / 2, bottom - tall, wide, tall, "class=\"s0\"",
                   bar.note.empty() ? fmt::format("{:.6g}: {}", bar.x, number(bar.y)) : bar.note);
    }
    svg += text(left, height - 6, "start", fmt::format("{:.3g}", xs.least));
    svg += text(right, height - 6, "end", fmt::format("{:.3g}", xs.most));
    return svg + "</svg>";
}

std::string row_chart(const std::string& title, const std::vector<NamedValue>& rows) {
    constexpr double width = 560, left = 216, right = 350, row_height = 18;
    std::string      svg     = opened(title, width, row_height * static_cast<double>(rows.size()) + 8);
    double           largest = 0, y = 4;
    for (const NamedValue& each : rows) {
        largest = std::max(largest, each.value);
    }
    for (const NamedValue& each : rows) {
        double      length = largest > 0 ? (right - left) * each.value / largest : 0;
        std::string behind = each.text.empty() ? number(each.value) : each.text;
        svg += text(left - 6, y + 13, "end", shortened(each.name, 32), left - 10);
        svg += box(left, y + 2, std::max(length, 0.5), row_height - 4, "class=\"s0\"", each.name + ": " + behind);
        svg += text(left + length + 6, y + 13, "start", behind, width - left - length - 8);
        y += row_height;
    }
    return svg + "</svg>";
}

std::string heat_map(const std::string& title, const std::vector<std::string>& names,
                     const std::vector<std::vector<int64_t>>& counts) {
    constexpr double left = 90, top = 30, space = 460;
    const auto       classes = static_cast<double>(names.size());
    const double     side    = space / classes;
    const bool       written = side >= 24;  // room for text
    std::string      svg     = opened(title, left + space + 10, top + space + 30);
    svg += text(left, 14, "start", "predicted \u2192") + text(4, 14, "start", "true \u2193");
    for (size_t r = 0; r < names.size(); ++r) {
        int64_t all = 0;
        for (int64_t count : counts[r]) {
            all += count;
        }
        double y = top + side * static_cast<double>(r);
        if (written) {
            svg += text(left - 6, y + side / 2 + 4, "end", shortened(names[r], 16), left - 8);
            svg += text(left + side * (static_cast<double>(r) + 0.5), top + space + 16, "middle",
                        shortened(names[r], 16), side - 2);
        }
        for (size_t c = 0; c < names.size(); ++c) {
            double x     = left + side * static_cast<double>(c);
            double share = all > 0 ? static_cast<double>(counts[r][c]) / static_cast<double>(all) : 0;
            // A few mistakes are what one looks for: the root makes them visible.
            svg += box(x, y, side, side,
                       fmt::format("class=\"s{}\" fill-opacity=\"{:.3f}\"", r == c ? 0 : 1, 0.6 * std::sqrt(share)),
                       fmt::format("{} taken for {}: {}", names[r], names[c], counts[r][c]));
            if (written && counts[r][c] > 0) {
                svg += text(x + side / 2, y + side / 2 + 4, "middle", std::to_string(counts[r][c]), side - 2);
            }
        }
    }
    return svg + "</svg>";
}

std::string escaped(const std::string& text) {
    std::string result;
    const bool  good = is_utf8(text);
    for (char c : text) {
        const auto code = static_cast<unsigned char>(c);
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            case '\'': result += "&#39;"; break;
            default: result += code < 0x20 || code == 0x7f ? ' ' : code >= 0x80 && !good ? '?' : c;
        }
    }
    return result;
}

}  // namespace hemp
