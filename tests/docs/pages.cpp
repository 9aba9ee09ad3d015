// The pages of docs/ and the README show code and output that exist: every C++ block is a region of a source that is
// compiled, every listing what a program of the tests prints.
//
//     <!-- snippet examples/scalar.cpp graph -->    the block that follows is the region `// snippet: graph`
//     <!-- prints examples/scalar.cpp -->           it is the comment after `// Prints:` at the source's end
//     <!-- file examples/small-resnet.json -->      it is that file
//

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using Lines  = std::vector<std::string>;

namespace {

Lines lines_of(const fs::path& path) {
    Lines         lines;
    std::ifstream file(path);
    REQUIRE_MESSAGE(file.is_open(), path.string());
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    return lines;
}

/// The lines without the spaces that all of them begin with.
Lines unindented(Lines lines) {
    size_t indent = std::string::npos;
    for (const std::string& line : lines) {
        indent = std::min(indent, line.find_first_not_of(' '));
    }
    for (std::string& line : lines) {
        line.erase(0, std::min(indent, line.size()));
    }
    return lines;
}

/// The lines between `// snippet: NAME` and the next `// end of snippet`.
Lines region(const Lines& source, const std::string& name) {
    Lines result;
    bool  inside = false;
    for (const std::string& line : source) {
        if (inside && line.ends_with("// end of snippet")) {
            return unindented(result);
        }
        if (inside) {
            result.push_back(line);
        }
        inside = inside || line.ends_with("// snippet: " + name);
    }
    return {};
}

/// The comment after `// Prints:` without its slashes.
Lines printed(const Lines& source) {
    Lines result;
    bool  inside = false;
    for (const std::string& line : source) {
        if (inside) {
            result.push_back(line.substr(std::min<size_t>(3, line.size())));
        }
        inside = inside || line == "// Prints:";
    }
    return result;
}

struct Block {
    int         line;    ///< of its opening fence
    std::string kind;    ///< what follows the fence: "cpp"
    std::string marker;  ///< what the comment before it says; empty if there is none
    Lines       text;
};

std::vector<Block> blocks(const Lines& page) {
    std::vector<Block> result;
    std::string        marker;
    bool               inside = false;
    for (size_t i = 0; i < page.size(); ++i) {
        const std::string& line = page[i];
        if (line.starts_with("```")) {
            if (!inside) {
                result.push_back({static_cast<int>(i + 1), line.substr(3), marker, {}});
            }
            inside = !inside;
        } else if (inside) {
            result.back().text.push_back(line);
        }
        if (!inside) {
            bool is_marker = line.starts_with("<!-- ") && line.ends_with(" -->");
            marker         = is_marker ? line.substr(5, line.size() - 9) : "";
        }
    }
    return result;
}

}  // namespace

TEST_CASE("a page's block is found with its marker") {
    std::vector<Block> found =
        blocks({"text", "<!-- snippet a.cpp b -->", "```cpp", "x", "```", "", "```", "y", "```"});
    REQUIRE(found.size() == 2);
    CHECK(found[0].kind == "cpp");
    CHECK(found[0].marker == "snippet a.cpp b");
    CHECK(found[0].text == Lines{"x"});
    CHECK(found[1].marker.empty());
}

TEST_CASE("a region of a source loses its common indentation") {
    Lines source{"  // snippet: a", "    x", "      y", "  // end of snippet", "z"};
    CHECK(region(source, "a") == Lines{"x", "  y"});
    CHECK(region(source, "b").empty());
}

TEST_CASE("what the pages show is in sources that are compiled and run") {
    const fs::path        root = HEMP_SOURCE_ROOT;
    std::vector<fs::path> pages{root / "README.md"};
    for (const auto& entry : fs::directory_iterator(root / "docs")) {
        if (entry.path().extension() == ".md") {
            pages.push_back(entry.path());
        }
    }
    int compared = 0;
    for (const fs::path& page : pages) {
        for (const Block& block : blocks(lines_of(page))) {
            std::string place = fs::relative(page, root).string() + ":" + std::to_string(block.line);
            CAPTURE(place);
            std::istringstream marker(block.marker);
            std::string        what, source, name;
            marker >> what >> source >> name;
            if (what == "snippet") {
                CHECK(block.text == region(lines_of(root / source), name));
                ++compared;
            } else if (what == "prints") {
                CHECK(block.text == printed(lines_of(root / source)));
                ++compared;
            } else if (what == "file") {
                CHECK(block.text == lines_of(root / source));
                ++compared;
            } else {
                INFO("C++ in a page must be a snippet of a source: mark it with <!-- snippet FILE NAME -->");
                CHECK(block.kind != "cpp");
            }
        }
    }
    CHECK(compared > 10);
}
