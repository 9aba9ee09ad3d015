#include "cli/page.h"

#include "cli/chart.h"

#include <fmt/core.h>

namespace hemp {
namespace {

/// Colours of chart.h's classes for both schemes; nothing is loaded from elsewhere.
constexpr const char* style = R"(
:root { color-scheme: light dark; --ground: #fff; --ink: #222; --faint: #ccc; --0: #1b7837; --1: #c2571a; --2: #5b3a9e; --3: #1f6fb2; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181c; --ink: #ddd; --faint: #444; --0: #5fc27e; --1: #f0935a; --2: #b29bea;
    --3: #6fb1ea; } }
body { background: var(--ground); color: var(--ink); font: 15px/1.45 sans-serif; max-width: 1180px; margin: 0 auto;
  padding: 16px; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; border-bottom: 1px solid var(--faint); margin-top: 2em; }
table { border-collapse: collapse; } td, th { padding: 2px 12px 2px 0; text-align: left; font-weight: normal; }
th { border-bottom: 1px solid var(--faint); } td.number, th.number { text-align: right; }
.wide { overflow-x: auto; margin: 14px 0; }
.charts { display: flex; flex-wrap: wrap; gap: 16px; } figure { margin: 0; flex: 1 1 480px; max-width: 580px; }
figure.small { flex: 0 1 270px; } figcaption { margin-bottom: 4px; }
svg { width: 100%; height: auto; display: block; } svg text { font: 12px sans-serif; fill: currentColor; }
.grid { stroke: var(--faint); } polyline { fill: none; stroke-width: 2; }
.s0 { fill: var(--0); stroke: var(--0); } .s1 { fill: var(--1); stroke: var(--1); }
.s2 { fill: var(--2); stroke: var(--2); } .s3 { fill: var(--3); stroke: var(--3); }
rect.s0, rect.s1, rect.s2, g text { stroke: none; }
.pictures { display: flex; flex-wrap: wrap; gap: 12px; } .pictures figure { flex: 0 0 112px; font-size: 13px; }
.pictures img { width: 112px; image-rendering: pixelated; display: block; }
code { overflow-wrap: anywhere; }
)";

}  // namespace

Page::Page(const std::string& title)
    : text_(fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                        "<meta name=\"viewport\" content=\"width=device-width\">"
                        "<link rel=\"icon\" href=\"data:,\"><title>{0}</title>"
                        "<style>{1}</style></head>\n<body>\n<h1>{0}</h1>\n",
                        escaped(title), style)) {}

void Page::section(const std::string& name) { text_ += fmt::format("<h2>{}</h2>\n", escaped(name)); }
void Page::say(const std::string& text) { text_ += fmt::format("<p>{}</p>\n", escaped(text)); }
void Page::add(const std::string& html) { text_ += html + "\n"; }

void Page::start_charts() { add("<div class=\"charts\">"); }
void Page::end_charts() { add("</div>"); }

void Page::chart(const std::string& id, const std::string& caption, const std::string& svg, bool small) {
    text_ += fmt::format("<figure id=\"{}\"{}><figcaption>{}</figcaption>{}</figure>\n", id,
                         small ? " class=\"small\"" : "", escaped(caption), svg);
    charts_.push_back(id);
}

void Page::table(const Rows& rows, bool heading, size_t left) {
    add("<div class=\"wide\"><table>");
    for (size_t r = 0; r < rows.size(); ++r) {
        text_ += "<tr>";
        for (size_t c = 0; c < rows[r].size(); ++c) {
            text_ += fmt::format("<{0}{1}>{2}</{0}>", heading && r == 0 ? "th" : "td",
                                 c < left ? "" : " class=\"number\"", escaped(rows[r][c]));
        }
        text_ += "</tr>\n";
    }
    add("</table></div>");
}

std::string Page::finished() const { return text_ + "</body>\n</html>\n"; }

}  // namespace hemp
