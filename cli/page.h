#pragma once
// A page of HTML that needs nothing from elsewhere and no scripts, readable in light and dark.

#include "cli/output.h"

#include <string>
#include <vector>

namespace hemp {

/// Grows from top to bottom. Texts are plain: what means something in HTML is replaced.
class Page {
 public:
    explicit Page(const std::string& title);

    void section(const std::string& name);
    void say(const std::string& text);
    void add(const std::string& html);

    /// Charts stand side by side where there is room: between start_charts() and end_charts().
    ///   svg   as cli/chart.h makes it
    void start_charts();
    void chart(const std::string& id, const std::string& caption, const std::string& svg, bool small = false);
    void end_charts();

    /// The first `left` columns hold text, the others numbers; the first row is the heading where there is one.
    void table(const Rows& rows, bool heading = true, size_t left = 1);

    const std::vector<std::string>& charts() const { return charts_; }  ///< their ids
    std::string                     finished() const;

 private:
    std::string              text_;
    std::vector<std::string> charts_;
};

}  // namespace hemp
