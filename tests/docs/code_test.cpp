// SPDX-License-Identifier: Apache-2.0
// The C and C++ on the page about plugins is part of the file that the page links before it, and
// that file is compiled by this build.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace segue {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

struct Block {
    fs::path from; // what the page links before it
    std::string code;
};

// The last target of a link to a C or C++ file in a line.
std::optional<std::string> linked(const std::string& line) {
    std::optional<std::string> found;
    for (std::size_t at = 0; (at = line.find("](", at)) != std::string::npos; at += 2) {
        const std::string target = line.substr(at + 2, line.find(')', at) - at - 2);
        if (target.ends_with(".cpp") || target.ends_with(".c"))
            found = target;
    }
    return found;
}

std::vector<Block> code_of(const fs::path& page) {
    std::vector<Block> blocks;
    fs::path from;
    bool inside = false;
    std::ifstream in(page);
    for (std::string line; std::getline(in, line);) {
        if (inside && line != "```")
            blocks.back().code += line + "\n";
        else if (const auto link = linked(line); link && !inside)
            from = (page.parent_path() / *link).lexically_normal();
        if (line == "```cpp" || line == "```c")
            blocks.push_back({from, ""});
        inside = line == "```cpp" || line == "```c" || (inside && line != "```");
    }
    return blocks;
}

TEST(Docs, TheCodeAboutPluginsIsCompiled) {
    const auto blocks = code_of(SEGUE_SOURCE_DIR "/docs/how-to/write-a-plugin.md");
    const std::string compiled = text_of(SEGUE_BINARY_DIR "/compile_commands.json");
    EXPECT_GE(blocks.size(), 8u);
    for (const Block& b : blocks) {
        EXPECT_NE(text_of(b.from).find(b.code), std::string::npos) << "not in " << b.from << ":\n"
                                                                   << b.code;
        EXPECT_NE(compiled.find("\"" + b.from.string() + "\""), std::string::npos)
            << b.from << " is not compiled";
    }
}

} // namespace
} // namespace segue
