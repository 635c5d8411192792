// SPDX-License-Identifier: Apache-2.0
#include "tests/layering/source_files.hpp"

#include <algorithm>
#include <fstream>

namespace segue::layering {

namespace fs = std::filesystem;

namespace {

// The string literals of one line; a comment to the end of the line is left out. (The project
// writes no string literal in a block comment, nor one over several lines.)
void add_literals(const std::string& line, std::vector<std::string>& out) {
    std::string text;
    bool inside = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (!inside && line.compare(i, 2, "//") == 0)
            return;
        if (line[i] == '\'' && !inside && i + 2 < line.size()) { // '"' opens nothing
            i += line[i + 1] == '\\' ? 3 : 2;
        } else if (line[i] == '\\' && inside) {
            text += line.substr(i, 2);
            ++i;
        } else if (line[i] == '"') {
            if (inside)
                out.push_back(text);
            text.clear();
            inside = !inside;
        } else if (inside) {
            text += line[i];
        }
    }
}

// What an #include line names, or "".
std::string included(const std::string& line) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] != '#')
        return {};
    const auto word = line.find("include", first);
    const auto open = line.find_first_of("<\"", first);
    const auto close = line.find_first_of(">\"", open + 1);
    if (word == std::string::npos || open == std::string::npos || close == std::string::npos)
        return {};
    return line.substr(open + 1, close - open - 1);
}

SourceFile read_source(const fs::path& root, const fs::path& file) {
    SourceFile source;
    source.path = file.lexically_relative(root).generic_string();
    std::ifstream in(file);
    std::string line;
    for (int n = 1; std::getline(in, line); ++n) {
        const std::string name = included(line);
        if (name.empty())
            add_literals(line, source.literals);
        else
            source.includes.push_back({name, n});
    }
    return source;
}

bool ends_with(const std::string& text, const char* end) {
    return std::string_view(text).ends_with(end);
}

} // namespace

bool SourceFile::is_header() const {
    return ends_with(path, ".h") || ends_with(path, ".hpp");
}

bool SourceFile::is_test() const {
    return ends_with(path, "_test.cpp") || ends_with(path, "_test.hpp") ||
           path.rfind("tests/", 0) == 0;
}

std::vector<SourceFile> read_sources(const fs::path& root) {
    std::vector<SourceFile> sources;
    for (const char* top : {"sdk", "core", "plugins", "vmm"}) {
        if (!fs::exists(root / top))
            continue;
        for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
            const auto ext = entry.path().extension();
            if (ext == ".h" || ext == ".hpp" || ext == ".c" || ext == ".cpp")
                sources.push_back(read_source(root, entry.path()));
        }
    }
    std::sort(sources.begin(), sources.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
    return sources;
}

} // namespace segue::layering
